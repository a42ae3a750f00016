/** Commands as a person runs them, each in a process group of its own, as at a terminal. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

/** The folder of the repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Runs it to its end.
 * @param input what it reads from standard input
 */
export function run(program: string, args: string[], input = '') {
  return spawnSync(program, args, { encoding: 'utf8', cwd: ROOT, input });
}

export class Command {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<unknown[]>;
  stdout = '';
  stderr = '';

  /**
   * @param env beside this process's own
   * @param cwd the folder of the repository, unless it is to be another
   */
  constructor(program: string, args: string[], env: Record<string, string> = {}, cwd = ROOT) {
    this.#child = spawn(program, args, { cwd, detached: true, env: { ...process.env, ...env } });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    // After the last output, unlike 'exit'.
    this.#exit = once(this.#child, 'close');
  }

  /** Resolves when its output contains the text; rejects when it ends without. */
  async says(text: string): Promise<void> {
    const ended = (): boolean => this.#child.exitCode !== null || this.#child.signalCode !== null;
    await until(`"${text}" in the output`, () => this.stdout.includes(text) || ended(), 50_000);
    if (!this.stdout.includes(text)) throw new Error(`It ended without "${text}". Errors:\n${this.stderr}`);
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  endInput(text = ''): void {
    this.#child.stdin.end(text);
  }

  /** The exit code, or the signal that it died of. */
  async end(): Promise<number | NodeJS.Signals> {
    await this.#exit;
    return this.#child.exitCode ?? (this.#child.signalCode as NodeJS.Signals);
  }

  /** To the whole group, as Ctrl-C at a terminal does. */
  signal(signal: NodeJS.Signals): void {
    process.kill(-this.#pid, signal);
  }

  /** To the command's own process alone, as `kill` does. */
  signalLeader(signal: NodeJS.Signals): void {
    process.kill(this.#pid, signal);
  }

  /** Whatever is left of the group. */
  kill(): void {
    if (this.#isAlive()) this.signal('SIGKILL');
  }

  /** Resolves when no process of the group is left. */
  async gone(): Promise<void> {
    await until('nothing of the command is left', () => !this.#isAlive());
  }

  get #pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.#child.spawnfile} did not start`);
    return pid;
  }

  #isAlive(): boolean {
    try {
      return process.kill(-this.#pid, 0);
    } catch {
      return false;
    }
  }
}
