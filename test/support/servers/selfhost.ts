/** The folder that `npm run selfhost` writes, run as its unit and its container would run it, by the real workerd. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from '../fixtures/certificate.ts';
import type { Volunteer } from '../wrangler.ts';
import { listening, workerdBinary } from './workerd.ts';

export interface Running {
  port: number;
  stop(): Promise<void>;
}

export const fileOf = (of: Volunteer, name: string): string => readFileSync(join(of.folder, 'selfhost', name), 'utf8');

export const commandOfUnit = (of: Volunteer): string[] =>
  (/^ExecStart=(.*)$/m.exec(fileOf(of, 'relay.service'))?.[1] ?? '').split(' ');

export const commandOfContainer = (of: Volunteer): string[] =>
  JSON.parse(/^ENTRYPOINT (.*)$/m.exec(fileOf(of, 'Containerfile'))?.[1] ?? '[]');

/** Runs a command of the folder's as its host would, on a free port. */
export async function runFolder(of: Volunteer, command: string[], certificate: Certificate): Promise<Running> {
  const name = fileOf(of, 'relay.capnp').includes('name = "https"') ? 'https' : 'http';
  const credentials = join(of.folder, 'credentials');
  const state = join(of.folder, 'state');
  for (const folder of [credentials, state]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(credentials, 'cert.pem'), certificate.cert);
  writeFileSync(join(credentials, 'key.pem'), certificate.key);
  const [, , ...args] = command
    .filter((word) => !word.startsWith('--socket-addr='))
    .map((word) => word.replace(/\$\{CREDENTIALS_DIRECTORY\}|\/run\/tls/, credentials));
  const env = Object.fromEntries(
    fileOf(of, 'relay.env')
      .trim()
      .split('\n')
      .map((line) => line.split('=')),
  );
  return runWorkerd(join(of.folder, 'selfhost'), name, [`--directory-path=objects=${state}`, ...args], env);
}

/** @param kept takes what it prints; without it standard error is passed on */
export async function runWorkerd(
  cwd: string,
  socket: string,
  args: string[],
  env = {},
  kept?: (text: string) => void,
): Promise<Running> {
  const options = ['--control-fd=3', `--socket-addr=${socket}=127.0.0.1:0`];
  const child: ChildProcess = spawn(workerdBinary(), ['serve', ...options, ...args], {
    cwd,
    env,
    stdio: ['ignore', 'ignore', kept ? 'pipe' : 'inherit', 'pipe'],
  });
  if (kept) child.stderr?.setEncoding('utf8').on('data', kept);
  const port = (await listening(child, [socket]))[socket] as number;
  return {
    port,
    async stop() {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}
