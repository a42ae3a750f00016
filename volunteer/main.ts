/**
 * The commands that a volunteer runs from a clone: `npm run deploy`, `selfhost`, `revoke`, `rotate`, `status` and
 * `doctor`.
 */
import '../protocol/sentences.ts';
import { Failure } from './terminal/failure.ts';

interface Command {
  run(args: string[], name: string): Promise<void>;
}

const COMMANDS: Record<string, () => Promise<Command>> = {
  deploy: () => import('./commands/deploy.ts'),
  selfhost: () => import('./commands/selfhost.ts'),
  revoke: () => import('./commands/revoke.ts'),
  rotate: () => import('./commands/rotate.ts'),
  status: () => import('./commands/status.ts'),
  doctor: () => import('./commands/doctor.ts'),
};

async function main([name = '', ...args]: string[]): Promise<void> {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!load) throw new Error(`There are these commands: ${Object.keys(COMMANDS).join(', ')}.`);
  await (await load()).run(args, `npm run ${name} --`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${(error instanceof Error ? error.message : String(error)).trimEnd()}\n`);
  process.exitCode = error instanceof Failure ? 1 : 2;
});
