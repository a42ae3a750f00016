/**
 * Commands of a volunteer that need the relay's source: in a clone, `puente deploy` is the same as `npm run deploy`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** @throws Error outside of a clone */
export function inClone(command: string): { run(args: string[]): Promise<void> } {
  return {
    async run(args) {
      if (!existsSync('volunteer/main.ts'))
        throw new Error(`This needs the relay’s source. In a clone of Puente: npm run ${command}`);
      // Windows finds npm through its shell only. The shell gets only words of this command line.
      const options = { stdio: 'inherit', shell: process.platform === 'win32' } as const;
      const { status } = spawnSync('npm', ['run', '--silent', command, '--', ...args], options);
      process.exitCode = status ?? 1;
    },
  };
}
