/** A client's command, as a shell runs it. */
import { spawn } from 'node:child_process';
import type { Running, StartClient } from './trial/client-trial.ts';

/** In single quotes no character means anything else. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** @param command one program and its arguments, with `{link}` and `{backend}` in it */
export function commandClient(command: string): StartClient {
  return (link, backend): Running => {
    // `exec`: a shell beside it would hold its standard output open.
    const line = `exec ${command}`.replaceAll('{link}', quoted(link)).replaceAll('{backend}', quoted(backend));
    // A group of its own, so that whatever the shell has started ends with it.
    const child = spawn('/bin/sh', ['-c', line], { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
    const exit = new Promise<number>((resolve) => {
      child.on('error', () => resolve(127));
      child.on('exit', (code) => resolve(code ?? 128));
    });
    return {
      input: child.stdin,
      output: child.stdout,
      exit,
      kill() {
        try {
          if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has ended by itself.
        }
      },
    };
  };
}
