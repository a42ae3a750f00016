/** Servers that Debian packages bring, run on loopback, each with its own folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accepts, freePort } from '../network/port.ts';
import { until } from '../until.ts';

export interface Daemon {
  port: number;
  close(): Promise<void>;
}

/**
 * Resolves when it accepts connections.
 * @param prepare writes its files into the folder, and returns its arguments
 */
export async function startDaemon(
  program: string,
  prepare: (folder: string, port: number) => string[],
): Promise<Daemon> {
  const folder = mkdtempSync(join(tmpdir(), 'puente-daemon-'));
  const port = await freePort();
  // Some write into the home of whoever runs them.
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  const daemon = spawn(program, prepare(folder, port), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(daemon, 'exit');
  let output = '';
  for (const stream of [daemon.stdout, daemon.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const close = async (): Promise<void> => {
    daemon.kill();
    await exited;
    rmSync(folder, { recursive: true });
  };
  try {
    await until(
      `${program} listens`,
      () => {
        if (daemon.exitCode !== null) throw new Error(`${program} has ended`);
        return accepts(port);
      },
      30_000,
    );
  } catch (error) {
    await close();
    throw new Error(`${program} did not start. It said:\n${output}`, { cause: error });
  }
  return { port, close };
}
