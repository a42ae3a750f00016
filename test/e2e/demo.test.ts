/** `npm run demo` and `npm start`, as a person runs them. */
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { Command } from '../support/command.ts';

const commands: Command[] = [];

function run(program: string, ...args: string[]): Command {
  const command = new Command(program, args);
  commands.push(command);
  return command;
}

afterEach(() => {
  for (const command of commands.splice(0)) command.kill();
});

describe('npm run demo', () => {
  it('shows that a conversation passes and that the relay cannot read it', async () => {
    const demo = run('npm', 'run', '--silent', 'demo', '--', '--json');
    expect(await demo.end(), demo.stdout + demo.stderr).toBe(0);
    const report = JSON.parse(demo.stdout) as Record<string, unknown>;
    const { messages, picture, plaintext, people } = report as {
      messages: { from: string; text: string }[];
      picture: { bytes: number; sha256: string; arrivedSha256: string };
      plaintext: { searchedFor: number };
      people: { roundTripMs: number }[];
    };
    expect(report).toMatchObject({ ok: true, refusal: { code: 'backend-not-allowed' } });
    expect(new Set(messages.map(({ from }) => from))).toEqual(new Set(['Ana', 'Babak']));
    expect(picture.bytes).toBeGreaterThanOrEqual(5 * 1024 * 1024);
    expect(picture.arrivedSha256).toBe(picture.sha256);
    expect(plaintext.searchedFor).toBeGreaterThan(100 + messages.length);
    expect(plaintext).toMatchObject({
      control: { atServer: plaintext.searchedFor, serverNameAtBackend: 1 },
      found: { atClients: 0, atBackend: 0, inLogs: 0, serverNameAtClients: 0 },
    });
    for (const { roundTripMs } of people) expect(roundTripMs).toBeGreaterThanOrEqual(0);
    await demo.gone();
  });

  it('explains itself', async () => {
    const help = run('npm', 'run', '--silent', 'demo', '--', '--help');
    expect(await help.end()).toBe(0);
    expect(help.stdout).toContain('--json');
  });
});

describe('npm start', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('runs what its script says until %s, and ends with 0', async (signal) => {
    const description = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { scripts } = JSON.parse(description) as { scripts: Record<string, string> };
    expect(scripts.start).toBe('node examples/start.ts');
    const start = run(process.execPath, 'examples/start.ts');
    await start.says('Ctrl-C here');
    expect(start.stdout).toMatch(/Bare address +http:\/\/127\.0\.0\.1:\d+\/\n/);
    expect(start.stdout).toMatch(/Link +http:\/\/127\.0\.0\.1:\d+\/#p[a-z\d]{58}\n/);
    expect(start.stdout).toMatch(/Chat server +localhost:\d+ /);
    const page = /Web chat +(http:\/\/127\.0\.0\.1:\d+\/)\n/.exec(start.stdout)?.[1] ?? '';
    expect(await (await fetch(page)).text()).toContain('<script type="module"');
    const server: unknown = await (await fetch(`${page}server.json`)).json();
    expect(server).toMatchObject({ key: expect.stringMatching(/^[\w-]{43}$/) });
    const ca = /Its certificate +(.+)/.exec(start.stdout)?.[1] ?? '';
    expect(readFileSync(ca, 'utf8')).toContain('BEGIN CERTIFICATE');
    start.signal(signal);
    expect(await start.end(), start.stderr).toBe(0);
    expect(existsSync(ca)).toBe(false);
    await start.gone();
  });

  it('prints a command with which two people can chat, and leaves nothing behind', async () => {
    const start = run('npm', 'start');
    await start.says('Ctrl-C here');
    const snippet = /^npx node .*?^'$/ms.exec(start.stdout)?.[0] ?? '';
    const [ana, babak] = [run('sh', '-c', snippet), run('sh', '-c', snippet)] as const;
    await Promise.all([ana, babak].map((chat) => chat.says('✓ connected through 127.0.0.1:')));
    ana.type('¿Me lees?\n');
    await babak.says('¿Me lees?');
    babak.type('بله، می‌خوانم\n');
    await ana.says('بله، می‌خوانم');
    for (const chat of [ana, babak]) {
      chat.endInput();
      expect(await chat.end(), chat.stderr).toBe(0);
    }
    // Which status npm itself ends with depends on its shell: some die of the signal although the script did not.
    start.signal('SIGINT');
    await start.end();
    expect(start.stdout).toContain('✓ Stopped.');
    await start.gone();
  });

  it('ends when npm is told to, although npm does not pass it on', async () => {
    const start = run('npm', 'start');
    await start.says('Ctrl-C here');
    start.signalLeader('SIGTERM');
    await start.gone();
    expect(start.stdout).toContain('✓ Stopped.');
  });

  it('explains itself', async () => {
    const help = run('npm', '--silent', 'start', '--', '--help');
    expect(await help.end()).toBe(0);
    expect(help.stdout).toContain('Ctrl-C');
  });
});
