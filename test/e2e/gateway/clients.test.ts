/** The gateway's clients, through the real Worker to real backends: their bytes, their ends, and whatever they do wrong. */
import { once } from 'node:events';
import type net from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GATEWAY_HANDSHAKE_TIMEOUT } from '../../../client/gateway/client.ts';
import { to } from '../../../client/gateway/entrance.ts';
import { GATEWAY_CLIENTS_MAX, STOP_TIME } from '../../../client/gateway/gateway.ts';
import { httpConnect } from '../../../client/gateway/http-connect.ts';
import { take } from '../../../client/gateway/reading.ts';
import { socks5 } from '../../../client/gateway/socks5.ts';
import { FIRST_RECORD_TIMEOUT } from '../../../protocol/limits.ts';
import { KnownBytes, KnownBytesCheck } from '../../support/fixtures/bytes.ts';
import { type Backend, echo, startBackend, startSilentBackend } from '../../support/servers/backend.ts';
import { broken, everything, TestGateway } from '../../support/servers/gateway.ts';
import { type Relay, startRelay } from '../../support/servers/relay.ts';
import { until } from '../../support/until.ts';

let backend: Backend;
let serve: (socket: net.Socket) => void;
let silent: Awaited<ReturnType<typeof startSilentBackend>>;
let relay: Relay;
let gateway: TestGateway;

beforeAll(async () => {
  backend = await startBackend((socket) => serve(socket));
  silent = await startSilentBackend();
  relay = await startRelay({ BACKENDS: `${backend.entry} any://${silent.address} any://127.0.0.1:1` });
});

beforeEach(() => {
  serve = echo;
  backend.accepted = 0;
  gateway = new TestGateway(relay.link);
});

afterEach(async () => {
  await gateway.close();
  // A session whose client left before its first record is held for FIRST_RECORD_TIMEOUT.
  await until('no session is left', () => backend.open.size === 0, 2 * FIRST_RECORD_TIMEOUT);
});

afterAll(async () => {
  await relay.close();
  await backend.close();
  await silent.close();
});

const connectRequest = (target: string) => `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`;

/** A SOCKS5 request of RFC 1928, for a name. */
function socksRequest(name: string, port: number, command = 1): Buffer {
  return Buffer.concat([Buffer.of(5, command, 0, 3, name.length), Buffer.from(name), Buffer.of(port >> 8, port & 255)]);
}

/** What a client says at each kind of port, all at once, before its own bytes, and the length of what it is told. */
const KINDS = {
  forward: { entrance: () => to(backend.address), greeting: () => Buffer.alloc(0), answer: 0 },
  SOCKS5: {
    entrance: () => socks5,
    greeting: () => Buffer.concat([Buffer.of(5, 1, 0), socksRequest('127.0.0.1', backend.port)]),
    answer: 2 + 10,
  },
  CONNECT: {
    entrance: () => httpConnect,
    greeting: () => Buffer.from(connectRequest(backend.address)),
    answer: 'HTTP/1.1 200 Connection established\r\n\r\n'.length,
  },
};

describe.each(Object.entries(KINDS))('through %s', (_, { entrance, greeting, answer }) => {
  async function join(): Promise<net.Socket> {
    const socket = await gateway.client(await gateway.listen(entrance()));
    socket.write(greeting());
    await take(socket, answer);
    return socket;
  }

  it('carries 8 MiB each way, as it is, and both ends of it', async () => {
    const socket = await join();
    const length = 8 * 1024 * 1024;
    const known = new KnownBytes(7);
    const check = new KnownBytesCheck(7);
    const back = (async () => {
      for await (const part of socket) check.feed(part as Buffer);
    })();
    for (let sent = 0; sent < length; sent += 65_536)
      if (!socket.write(known.next(65_536))) await once(socket, 'drain');
    socket.end();
    await back;
    expect(check.length).toBe(length);
    await until('it has ended', () => gateway.told('closed').length === 1);
    expect(gateway.told('closed')[0]?.code).toBe(null);
    expect(gateway.totals).toEqual({ open: 0, sessions: 1, sent: length, received: length, reconnects: 0 });
  });

  it('loses nothing of what comes with the handshake or right after it', async () => {
    const port = await gateway.listen(entrance());
    const whole = Buffer.concat([greeting(), Buffer.from('first words')]);
    for (const cut of [0, 1, greeting().length, greeting().length + 1]) {
      const socket = await gateway.client(port);
      socket.write(whole.subarray(0, cut));
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.end(whole.subarray(cut));
      expect((await everything(socket)).slice(answer)).toBe('first words');
    }
  });

  it('passes on the end of one direction alone', async () => {
    serve = (socket) => {
      let heard = '';
      socket.on('data', (part) => {
        heard += part;
      });
      socket.on('end', () => socket.end(`heard ${heard}`));
    };
    const socket = await join();
    socket.end('all of it');
    expect(await everything(socket)).toBe('heard all of it');
  });

  it('passes on a reset by the backend', async () => {
    serve = (socket) => socket.once('data', () => socket.resetAndDestroy());
    const socket = await join();
    socket.write('now');
    expect(await broken(socket)).toBe(true);
    await until('it is told', () => gateway.told('closed').length === 1);
    expect(gateway.told('closed')[0]?.code).toBe('backend-reset');
  });

  it('passes on a reset by the client', async () => {
    // It sees an end where the client broke off: workerd cannot reset (docs/decisions.md, 7).
    serve = (socket) => socket.resume().on('end', () => socket.end());
    const socket = await join();
    socket.write('something');
    await until('the session is open', () => backend.open.size === 1 && gateway.totals.open === 1);
    socket.resetAndDestroy();
    await until('it is told', () => gateway.told('closed').length === 1 && backend.open.size === 0);
    expect(gateway.told('closed')[0]?.code).toBe('aborted');
  });

  it('holds back a client whose backend does not read', async () => {
    serve = (socket) => socket.pause().on('end', () => socket.end());
    const socket = await join();
    let taken = 0;
    const chunk = Buffer.alloc(65_536);
    while (taken < 64 * 1024 * 1024) {
      const went = await Promise.race([
        new Promise<boolean>((resolve) => socket.write(chunk, () => resolve(true))),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1000)),
      ]);
      if (!went) break;
      taken += chunk.length;
    }
    expect(taken).toBeLessThan(32 * 1024 * 1024);
    for (const reader of backend.open) reader.resume();
  });
});

describe('a client that hangs up', () => {
  const phases: [string, () => Promise<net.Socket>][] = [
    ['without a word', async () => gateway.client(await gateway.listen(socks5))],
    ['within the greeting', () => spoke(socks5, Buffer.of(5, 3, 0))],
    ['after the greeting', () => spoke(socks5, Buffer.of(5, 1, 0))],
    [
      'within the request',
      () => spoke(socks5, Buffer.concat([Buffer.of(5, 1, 0), socksRequest('x', 1).subarray(0, 4)])),
    ],
    ['within the head', () => spoke(httpConnect, 'CONNECT a.exam')],
    ['while its session opens, by SOCKS', () => spoke(socks5, Buffer.concat([Buffer.of(5, 1, 0), toSilent()]))],
    ['while its session opens, by CONNECT', () => spoke(httpConnect, connectRequest(silent.address))],
    ['while nobody knows whether it will speak', async () => gateway.client(await gateway.listen(to(silent.address)))],
    ['within what may become HTTP', () => spoke(to(silent.address), 'GET')],
    ['while its session opens, at a forwarded port', () => spoke(to(silent.address), 'words')],
    ['in its session', () => spoke(to(backend.address), 'words')],
  ];

  function toSilent(): Buffer {
    const [host = '', port] = silent.address.split(':');
    return socksRequest(host, Number(port));
  }

  async function spoke(entrance: Parameters<TestGateway['listen']>[0], words: string | Buffer): Promise<net.Socket> {
    const socket = await gateway.client(await gateway.listen(entrance));
    socket.write(words);
    return socket;
  }

  it.each(phases)('%s leaves nothing behind', async (_, begin) => {
    for (const end of ['destroy', 'resetAndDestroy'] as const) {
      const socket = await begin();
      await new Promise((resolve) => setTimeout(resolve, 100));
      socket[end]();
    }
    await until('no session is left', () => gateway.totals.open === 0 && gateway.tunnels.every((one) => one.destroyed));
    // That no connection is left either: only then does it stop by itself, well within its time.
    const stopped = await Promise.race([
      gateway.stop().then(() => true),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), STOP_TIME - 1000)),
    ]);
    expect(stopped).toBe(true);
    expect(gateway.told('refused')).toEqual([]);
  });
});

describe('many clients', () => {
  it('are served at once', async () => {
    const port = await gateway.listen(httpConnect);
    const sockets: net.Socket[] = [];
    // One source has its part of what waits to connect (worker/session/connects.ts), so not all come in one moment.
    while (sockets.length < 200) {
      const next = await Promise.all(Array.from({ length: 50 }, () => gateway.client(port)));
      await Promise.all(
        next.map(async (socket) => {
          socket.write(connectRequest(backend.address));
          expect(String(await take(socket, KINDS.CONNECT.answer))).toMatch(/^HTTP\/1.1 200 /);
        }),
      );
      sockets.push(...next);
    }
    // The kernel has accepted them all, and the backend hears of it a moment later.
    await until('the backend has all', () => backend.open.size === 200);
    expect(gateway.totals.open).toBe(200);
    for (const [number, socket] of sockets.entries()) socket.end(`client ${number}`);
    const texts = await Promise.all(sockets.map(everything));
    expect(texts).toEqual(sockets.map((_, number) => `client ${number}`));
  });

  it('beyond the bound are turned away, and the others notice nothing', async () => {
    const port = await gateway.listen(httpConnect);
    const served = await gateway.client(port);
    served.write(connectRequest(backend.address));
    await take(served, KINDS.CONNECT.answer);
    const idle = await Promise.all(Array.from({ length: GATEWAY_CLIENTS_MAX - 1 }, () => gateway.client(port)));
    for (let more = 0; more < 3; more++) {
      // It may be reset before it knows that it was connected.
      expect(await gateway.client(port).then(everything, () => '')).toBe('');
    }
    expect(gateway.told('refused')).toHaveLength(1);
    served.write('still here');
    expect(String(await take(served, 10))).toBe('still here');
    idle[0]?.destroy();
    await until('there is room again', async () => {
      const next = await gateway.client(port).catch(() => undefined);
      next?.end(connectRequest(backend.address));
      return next !== undefined && (await everything(next)).startsWith('HTTP/1.1 200');
    });
  });

  it('that say what they want too slowly are let go, in time', async () => {
    const began = performance.now();
    const ports = [await gateway.listen(httpConnect), await gateway.listen(socks5)];
    await Promise.all(
      ports.map(async (port) => {
        const socket = await gateway.client(port);
        const drip = setInterval(() => socket.write(port === ports[0] ? 'C' : Buffer.of(5)), 500);
        await everything(socket);
        clearInterval(drip);
      }),
    );
    expect(performance.now() - began).toBeGreaterThan(GATEWAY_HANDSHAKE_TIMEOUT - 1000);
    expect(gateway.told('refused').map(({ message }) => message)).toContainEqual(
      expect.stringContaining('within 10 s'),
    );
  });
});

it('clients that are refused for the same reason are told once, until something else happens', async () => {
  const [port, other] = [await gateway.listen(socks5), await gateway.listen(to(backend.address))];
  const ask = async () => everything((await gateway.client(port)).end('GET / HTTP/1.1\r\n\r\n'));
  for (let count = 0; count < 3; count++) await ask();
  expect(gateway.events).toEqual([{ event: 'refused', message: 'No SOCKS5.' }]);
  const app = await gateway.client(other);
  app.end('hello');
  expect(await everything(app)).toBe('hello');
  await until('it has ended', () => gateway.told('closed').length === 1);
  await ask();
  await ask();
  expect(gateway.events.map(({ event }) => event)).toEqual(['refused', 'opened', 'closed', 'refused']);
});

describe('when it is stopped', () => {
  it('lets a transfer finish, and takes no more clients', async () => {
    serve = (socket) => void socket.once('data', () => setTimeout(() => socket.end(Buffer.alloc(300_000, 'x')), 1500));
    const port = await gateway.listen(to(backend.address));
    const socket = await gateway.client(port);
    socket.end('go');
    await until('the session is open', () => gateway.totals.open === 1);
    const stopped = gateway.stop();
    await expect(gateway.client(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect((await everything(socket)).length).toBe(300_000);
    await stopped;
    expect(gateway.told('closed')).toEqual([{ event: 'closed', code: null }]);
  });

  it('breaks what has not finished in time, and at once when told to hurry', async () => {
    const port = await gateway.listen(to(backend.address));
    const socket = await gateway.client(port);
    const waiting = await gateway.client(await gateway.listen(socks5));
    await until('the session is open', () => gateway.totals.open === 1);
    const hurry = new AbortController();
    const stopped = gateway.stop(hurry.signal);
    expect(await everything(waiting)).toBe('');
    expect(gateway.totals.open).toBe(1);
    const failed = broken(socket);
    hurry.abort();
    expect(await failed).toBe(true);
    await stopped;
    expect(gateway.told('closed')).toEqual([{ event: 'closed', code: 'aborted' }]);
  });

  it('does so after its time', async () => {
    const socket = await gateway.client(await gateway.listen(to(backend.address)));
    await until('the session is open', () => gateway.totals.open === 1);
    const failed = broken(socket);
    const began = performance.now();
    await gateway.stop();
    expect(performance.now() - began).toBeGreaterThan(STOP_TIME - 100);
    expect(await failed).toBe(true);
  });
});
