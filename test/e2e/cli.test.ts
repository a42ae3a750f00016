/** `puente check`, as a person and as a script run it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formatLink } from '../../protocol/permits/link.ts';
import { Command, run } from '../support/command.ts';
import { type Backend, startBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';

let relay: Relay;
let backend: Backend;

beforeAll(async () => {
  // A TLS alert is an answer, too.
  backend = await startBackend((socket) => socket.once('data', () => socket.write(Buffer.of(21, 3, 3, 0, 2, 2, 40))));
  relay = await startRelay({ BACKENDS: backend.address });
});

afterAll(async () => {
  await relay.close();
  await backend.close();
});

async function check(...args: string[]) {
  const command = new Command('npm', ['run', '--silent', 'check', '--', ...args]);
  const status = await command.end();
  return { status, stdout: command.stdout, stderr: command.stderr };
}

it('tells each stage as it is over, then the whole, and exits with 0', async () => {
  const { status, stdout, stderr } = await check(relay.link, '--backend', backend.address);
  expect([status, stderr]).toEqual([0, '']);
  const stages = '(✓ [^\\n]+ \\d+ ms\\n){7}';
  expect(stdout).toMatch(new RegExp(`^${stages}\\n✓ ${relay.origin}\\n  It works\\.\\n$`));
});

it('says what is wrong and what to do, of each of several, and exits with 1', async () => {
  const list = join(mkdtempSync(join(tmpdir(), 'puente-')), 'relays.txt');
  writeFileSync(list, `# of a friend's\n${relay.link}\nnot a relay\n`);
  const { status, stdout, stderr } = await check(
    '--list',
    list,
    formatLink({ url: 'http://127.0.0.1:1/', key: new Uint8Array(32).fill(9) }),
    '--backend',
    backend.address,
  );
  rmSync(dirname(list), { recursive: true });
  expect(status).toBe(1);
  expect(stderr).toMatch(/relays\.txt, 3: This is neither a link/);
  expect(stdout).toMatch(new RegExp(`✓ ${relay.origin}\n  It works`));
  expect(stdout).toContain('http://127.0.0.1:1/  ✗ the address accepts a connection');
  expect(stdout).toMatch(
    /✗ http:\/\/127\.0\.0\.1:1\/ {2}\(refused\)\n {2}The address of the relay refuses connections\.\n {2}This relay seems/,
  );
});

it('prints one object for scripts', async () => {
  const { status, stdout, stderr } = await check(relay.link, '--json', '--backend', backend.address);
  expect([status, stderr]).toEqual([0, '']);
  const { relays } = JSON.parse(stdout);
  expect(relays).toHaveLength(1);
  expect(Object.keys(relays[0])).toEqual(['relay', 'ok', 'code', 'message', 'next', 'stages']);
  expect(stdout).not.toContain(relay.link.split('#')[1]);
});

it.each([
  [[], /check -- LINK/],
  [['host', '--backend', 'nowhere'], /host:port/],
  [['--what'], /--what/],
])('refuses %j with 2 and says why', async (args, why) => {
  const { status, stdout, stderr } = await check(...args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(why);
});

it('explains itself', () => {
  const { status, stdout } = run('npm', ['run', '--silent', 'check', '--', '--help']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^npm run check -- LINK.*--backend.*--json.*Exit code/s);
});
