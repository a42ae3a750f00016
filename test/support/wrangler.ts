/**
 * A stand-in for `wrangler`, which would need an account: it notes how it was called, and answers as wrangler 4.155 does.
 * What it builds is what the real one has built before the tests.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { inject } from 'vitest';
import { Command, ROOT } from './command.ts';

/** One call of it. */
export interface WranglerCall {
  args: string[];
  env: Record<string, string>;
  /** What the file of secrets had in it. */
  secrets?: Record<string, string>;
}

/** What the account is like. */
export interface Account {
  /** Where a deployed Worker answers. */
  targets: string[];
  loggedIn?: boolean;
  accounts?: { id: string; name: string }[];
  /** Workers that are there. */
  workers?: string[];
  /** What a deploy fails with. */
  deployFails?: { message: string; code?: number };
}

const PROGRAM = `#!${process.execPath}
const { appendFileSync, copyFileSync, readFileSync } = require('node:fs');
const account = JSON.parse(readFileSync(__dirname + '/account.json'));
const args = process.argv.slice(2);
const file = args[args.indexOf('--secrets-file') + 1];
const secrets = args.includes('--secrets-file') ? JSON.parse(readFileSync(file)) : undefined;
appendFileSync(__dirname + '/calls', JSON.stringify({ args, env: process.env, secrets }) + '\\n');
const report = (entry) => appendFileSync(process.env.WRANGLER_OUTPUT_FILE_PATH, JSON.stringify(entry) + '\\n');
const fail = ({ message, code }) => {
  console.error(message);
  report({ type: 'command-failed', version: 1, code, message });
  process.exit(1);
};
report({ type: 'wrangler-session', version: 1, command_line_args: args });
const [command] = args;
if (command === 'whoami') {
  if (account.loggedIn === false) console.log(JSON.stringify({ loggedIn: false }));
  if (account.loggedIn === false) fail({ message: '{"loggedIn":false}' });
  console.log(JSON.stringify({ loggedIn: true, accounts: account.accounts ?? [{ id: 'a1', name: 'Only' }] }));
}
if (command === 'secret') {
  const name = args[args.indexOf('--name') + 1];
  if (!account.workers?.includes(name)) fail({ message: \`Worker "\${name}" not found.\\n\\nIf this is a new Worker …\` });
  console.log('[]');
}
if (command === 'deploy') {
  if (account.deployFails) fail(account.deployFails);
  if (args.includes('--outdir')) copyFileSync(__dirname + '/worker.js', args[args.indexOf('--outdir') + 1] + '/index.js');
  console.log('Uploaded');
  report({ type: 'deploy', version: 1, worker_name: args[args.indexOf('--name') + 1], targets: account.targets });
}
`;

/** A volunteer's machine: an empty folder, and an account that is not there. */
export class Volunteer {
  readonly folder = mkdtempSync(join(tmpdir(), 'puente-volunteer-'));
  readonly #bin = join(this.folder, 'bin');
  readonly #running = new Set<Command>();

  constructor(account: Account = { targets: [] }) {
    mkdirSync(this.#bin);
    const program = join(this.#bin, 'wrangler');
    writeFileSync(program, PROGRAM);
    writeFileSync(join(this.#bin, 'worker.js'), inject('worker').script);
    chmodSync(program, 0o755);
    this.account(account);
  }

  account(account: Account): void {
    writeFileSync(join(this.#bin, 'account.json'), JSON.stringify(account));
  }

  /** Of the stand-in, in order. */
  get calls(): WranglerCall[] {
    const path = join(this.#bin, 'calls');
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
    return lines.map((line) => JSON.parse(line) as WranglerCall);
  }

  read(file: string): string {
    return readFileSync(join(this.folder, '.relay', file), 'utf8');
  }

  write(file: string, content: object): void {
    mkdirSync(join(this.folder, '.relay'), { recursive: true, mode: 0o700 });
    writeFileSync(join(this.folder, '.relay', file), JSON.stringify(content), { mode: 0o600 });
  }

  /** `npm run NAME -- ARGS`, with the stand-in in the place of wrangler. */
  start(...args: string[]): Command {
    const env = { PATH: `${this.#bin}${delimiter}${process.env.PATH}` };
    const command = new Command(process.execPath, [programOf(args[0]), ...args], env, this.folder);
    this.#running.add(command);
    return command;
  }

  async run(...args: string[]) {
    const command = this.start(...args);
    command.endInput();
    const status = await command.end();
    return { status, stdout: command.stdout, stderr: command.stderr };
  }

  /** At a terminal, whose keys are these. */
  runAtTerminal(keys: string, ...args: string[]) {
    const line = [process.execPath, programOf(args[0]), ...args].map((word) => `'${word}'`).join(' ');
    const env = { ...process.env, PATH: `${this.#bin}${delimiter}${process.env.PATH}` };
    const options = { cwd: this.folder, env, input: keys, encoding: 'utf8' } as const;
    return spawnSync('script', ['--quiet', '--return', '--command', line, '/dev/null'], options);
  }

  /** With the real wrangler. */
  startReal(env: Record<string, string>, ...args: string[]): Command {
    const command = new Command(process.execPath, [programOf(args[0]), ...args], { ...env, PATH: REAL }, this.folder);
    this.#running.add(command);
    command.endInput();
    return command;
  }

  /** With the real wrangler, which needs no account for it. */
  async dryRun(...args: string[]) {
    const command = this.startReal({}, 'deploy', '--dry-run', ...args);
    const status = await command.end();
    return { status, stdout: command.stdout, stderr: command.stderr };
  }

  remove(): void {
    for (const command of this.#running) command.kill();
    rmSync(this.folder, { recursive: true });
  }
}

const REAL = `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env.PATH}`;

function programOf(command = ''): string {
  return join(ROOT, command === 'invite' ? 'client/cli/main.ts' : 'volunteer/main.ts');
}
