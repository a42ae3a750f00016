#!/usr/bin/env node
/** `puente COMMAND`: each command is a module of its own, loaded when the command is called. */
import { createRequire } from 'node:module';
import { inClone } from './in-clone.ts';

interface Command {
  /** One line, for the list of the commands. */
  does: string;
  load(): Promise<{
    /**
     * Runs the command. Throws a failure, with a message for a person.
     * @param args the words after the command's name
     * @param name how the person called the command, for the command's help
     */
    run(args: string[], name: string): Promise<void>;
  }>;
}

const COMMANDS: Record<string, Command> = {
  check: { does: 'tries relays the whole way, and says what is wrong', load: () => import('./check.ts') },
  forward: { does: 'opens ports on this machine that lead through a relay', load: () => import('./forward.ts') },
  gateway: { does: 'makes this machine the proxy of phones in its network', load: () => import('./gateway.ts') },
  key: { does: 'makes a relay’s key and link', load: () => import('./key.ts') },
  invite: { does: 'makes an invite to a private relay', load: () => import('./invite.ts') },
  revoke: { does: 'takes an invite back', load: async () => inClone('revoke') },
  rotate: { does: 'gives a relay a new key', load: async () => inClone('rotate') },
  deploy: { does: 'puts a relay on Cloudflare, or brings it up to date', load: async () => inClone('deploy') },
  selfhost: { does: 'writes a relay for a server of one’s own', load: async () => inClone('selfhost') },
  status: { does: 'shows how much a relay is used', load: async () => inClone('status') },
  doctor: { does: 'looks a relay over, and says what to mend', load: async () => inClone('doctor') },
};

const HELP = `puente COMMAND [OPTIONS]

${Object.entries(COMMANDS)
  .map(([name, { does }]) => `  ${name.padEnd(10)}  ${does}\n`)
  .join('')}
  --version   the package's version
  -h, --help  this text, or a command's own: puente key --help
`;

function version(): string {
  // Find the file by the package's name: this module has one place in the package and another in the repository.
  const { version } = createRequire(import.meta.url)('puente/package.json') as { version: string };
  return version;
}

async function main([name = '', ...args]: string[]): Promise<void> {
  if (name === '--help' || name === '-h') return void process.stdout.write(HELP);
  if (name === '--version') return void process.stdout.write(`${version()}\n`);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new Error(name ? `There is no command "${name}".\n\n${HELP}` : HELP);
  const { run } = await command.load();
  // In this repository each command has an npm script of the same name.
  await run(args, process.env.npm_lifecycle_event === name ? `npm run ${name} --` : `puente ${name}`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${(error instanceof Error ? error.message : String(error)).trimEnd()}\n`);
  process.exitCode = 2;
});
