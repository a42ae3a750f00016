/** The commands `forward` and `gateway`, as a person and as a script run them. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { formatLink } from '../../../protocol/permits/link.ts';
import { Command, run } from '../../support/command.ts';
import { type Backend, echo, startBackend } from '../../support/servers/backend.ts';
import { everything } from '../../support/servers/gateway.ts';
import { type Relay, startRelay } from '../../support/servers/relay.ts';
import { until } from '../../support/until.ts';

let backend: Backend;
let relay: Relay;
let folder: string;
let commands: Command[] = [];

beforeAll(async () => {
  backend = await startBackend(echo);
  relay = await startRelay({ BACKENDS: backend.entry });
  folder = mkdtempSync(join(tmpdir(), 'puente-lists-'));
});

afterEach(async () => {
  for (const command of commands) command.kill();
  for (const command of commands) await command.gone();
  commands = [];
});

afterAll(async () => {
  await relay.close();
  await backend.close();
  rmSync(folder, { recursive: true });
});

function start(...args: string[]): Command {
  const command = new Command(process.execPath, ['client/cli/main.ts', ...args]);
  commands.push(command);
  return command;
}

/** The port that it says it has opened. */
function portOf({ stdout }: Command): number {
  return Number(/127\.0\.0\.1:(\d+)/.exec(stdout)?.[1]);
}

async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

describe('what it says', () => {
  it('is a line for each event, where nobody watches', async () => {
    const command = start('forward', '-L', `0:${backend.address}`, relay.link);
    await command.says(`→ ${backend.address}`);
    const socket = await connect(portOf(command));
    socket.end('hello');
    expect(await everything(socket)).toBe('hello');
    await command.says('closed');
    command.signalLeader('SIGTERM');
    expect(await command.end()).toBe(0);
    expect(command.stdout.replace(/\d{4,5}/g, 'N')).toBe(
      [
        `listening    127.0.0.1:N → 127.0.0.1:N`,
        `opened       1 open, 1 in all, 5 B sent, 0 B received, 0 reconnects`,
        `relay        127.0.0.1:N`,
        `closed       0 open, 1 in all, 5 B sent, 5 B received, 0 reconnects`,
        `stopping     0 open, 1 in all, 5 B sent, 5 B received, 0 reconnects`,
        `stopped      0 open, 1 in all, 5 B sent, 5 B received, 0 reconnects`,
        '',
      ].join('\n'),
    );
    expect(command.stderr).toBe('');
  });

  it('is an object for each event, for scripts', async () => {
    const command = start('forward', '--json', '-L', `0:${backend.address}`, '-L', 'http://0', relay.link);
    await command.says('http://');
    const socket = await connect(portOf(command));
    socket.write('hello');
    await command.says('opened');
    socket.destroy();
    await command.says('closed');
    command.signalLeader('SIGINT');
    expect(await command.end()).toBe(0);
    const lines = command.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ event }) => event)).toEqual([
      'listening',
      'listening',
      'opened',
      'relay',
      'closed',
      'stopping',
      'stopped',
    ]);
    for (const line of lines)
      for (const name of ['open', 'sessions', 'sent', 'received', 'reconnects'])
        expect(line[name]).toBeTypeOf('number');
    const { hash } = new URL(relay.link);
    expect(command.stdout).not.toContain(hash.slice(1));
  });

  it('warns of a port that others can use', async () => {
    const command = start('forward', '-L', `0.0.0.0:0:${backend.address}`, relay.link);
    await command.says('! 0.0.0.0');
    expect(command.stdout).toContain('others in the network can use');
  });

  it('tells why a relay cannot be used, and what to do', async () => {
    const command = start(
      'forward',
      '-L',
      `0:${backend.address}`,
      formatLink({ url: 'http://127.0.0.1:1/', key: new Uint8Array(32).fill(9) }),
    );
    await command.says('listening');
    const socket = await connect(portOf(command));
    expect(await everything(socket)).toBe('');
    await command.says('failed       refused: ');
    expect(command.stdout).toContain('try another address');
  });
});

describe('a stop', () => {
  it('lets a session finish', async () => {
    const command = start('forward', '-L', `0:${backend.address}`, relay.link);
    await command.says('listening');
    const socket = await connect(portOf(command));
    socket.write('first');
    await command.says('opened');
    command.signal('SIGINT');
    await command.says('stopping');
    socket.end(' and last');
    expect(await everything(socket)).toBe('first and last');
    expect(await command.end()).toBe(0);
    expect(command.stdout).toContain('stopped      0 open');
  });

  it('cuts it at another signal', async () => {
    const command = start('forward', '-L', `0:${backend.address}`, relay.link);
    await command.says('listening');
    const socket = await connect(portOf(command));
    const closed = new Promise((resolve) => socket.resume().once('close', resolve));
    await command.says('opened');
    command.signal('SIGINT');
    await command.says('stopping');
    await new Promise((resolve) => setTimeout(resolve, 1200));
    command.signal('SIGINT');
    expect(await closed).toBe(true);
    await command.says('closed       aborted');
    expect(await command.end()).toBe(0);
    await until('the relay has let go', () => backend.open.size === 0);
  });
});

describe('its relays', () => {
  it('may stand in a list, with a message', async () => {
    const file = join(folder, 'list.json');
    writeFileSync(file, JSON.stringify({ relays: ['no relay!', relay.link], message: 'Good morning' }));
    const command = start('forward', '--list', file, '-L', `0:${backend.address}`);
    await command.says('listening');
    expect(command.stdout).toContain('Good morning');
    expect(command.stderr).toMatch(/list\.json, 1: /);
    const socket = await connect(portOf(command));
    socket.end('x');
    expect(await everything(socket)).toBe('x');
  });

  it('that cannot be had end it with 1', async () => {
    const command = start('forward', '--list', join(folder, 'none'), '-L', '0:a.example:1');
    expect(await command.end()).toBe(1);
    expect(command.stderr).toContain('ENOENT');
  });
});

describe('a port', () => {
  it('that is in use ends it with 1, and says so', async () => {
    const command = start('forward', '-L', '0:a.example:1', '-L', `socks5://${backend.port}`, relay.link);
    expect(await command.end()).toBe(1);
    expect(command.stderr).toBe(
      `Port ${backend.port} is in use: stop the program that has it, or take another port.\n`,
    );
  });

  it('of an address that is not of this machine, too', async () => {
    const command = start('forward', '-L', 'socks5://192.0.2.1:0', relay.link);
    expect(await command.end()).toBe(1);
    expect(command.stderr).toBe('192.0.2.1 is no address of this machine.\n');
  });
});

describe('gateway whatsapp', () => {
  it('opens its ports, and says what to type', async () => {
    const command = start('gateway', 'whatsapp', '--port-offset', '20000', relay.link);
    await command.says('green tick');
    for (const port of [443, 80, 5222, 587, 7777])
      expect(command.stdout).toContain(`port ${20_000 + port}, on all addresses`);
    expect(command.stdout).toContain('Everybody in this network can use these ports');
    expect(command.stdout).toMatch(/Set proxy: .*, chat port 25222, media port 20587\n/);
    const socket = await connect(25_222);
    // Where this relay does not lead to.
    expect(await everything(socket)).toBe('');
    await command.says('failed       backend-not-allowed');
    command.signalLeader('SIGTERM');
    expect(await command.end()).toBe(0);
  });
});

describe('its wording', () => {
  it.each([
    [['forward', 'relay.example'], /-L/],
    [['forward', '-L', '1:a:1'], /Give a relay/],
    [['forward', '-L', 'nonsense', 'relay.example'], /\[bind:\]port:host:hostport/],
    [['forward', '-L', '70000:a:1', 'relay.example'], /70000/],
    [['forward', '-L', '1:a:0', 'relay.example'], /1 to 65535/],
    [['forward', '-L', '1:any://a:0', 'relay.example'], /1 to 65535/],
    [['forward', '-L', '0:a:1', 'ftp://relay.example'], /https/],
    [['gateway'], /whatsapp, telegram/],
    [['gateway', 'toString', 'relay.example'], /whatsapp, telegram/],
    [['gateway', 'whatsapp'], /Give a relay/],
    [['gateway', 'whatsapp', 'relay.example', '--port-offset', '60000'], /0 to 57758/],
    [['forward', '--what'], /--what/],
  ])('is refused with 2: %j', (args, why) => {
    const { status, stdout, stderr } = run(process.execPath, ['client/cli/main.ts', ...args]);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(why);
  });

  it.each([
    ['forward', /-L \[BIND:\]PORT:HOST:HOSTPORT.*--list.*--json.*Exit code/s],
    ['gateway', /whatsapp .*telegram .*--port-offset.*--list.*Exit code/s],
  ])('is explained: %s', (name, text) => {
    const { status, stdout } = run('npm', ['run', '--silent', name, '--', '--help']);
    expect(status).toBe(0);
    expect(stdout).toMatch(text);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(132);
  });
});
