import { type ExecFileOptions, execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Two minutes, in milliseconds: a command that hangs must not hang whatever runs this. */
const TIMEOUT = 120_000;

/** What the command prints; rejects with all of that when its exit code is not 0. */
export async function run(program: string, args: string[], options: ExecFileOptions = {}): Promise<string> {
  try {
    const { stdout } = await execute(program, args, { timeout: TIMEOUT, ...options, encoding: 'utf8' });
    return stdout.trim();
  } catch (error) {
    const { message, stdout = '' } = error as Error & { stdout?: string };
    throw new Error(`${message}\n${stdout}`);
  }
}
