/** The client's two faces before a real relay: the browser-safe core, and Node's Duplex. */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect } from '../../client/index.ts';
import { createConnection } from '../../client/node/index.ts';
import { toUtf8 } from '../../protocol/bytes.ts';
import { RECORD_MAX } from '../../protocol/limits.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import { failure } from '../support/failure.ts';
import { countingDial } from '../support/network/counting-dial.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';
import { until } from '../support/until.ts';

let backend: Backend;
let relay: Relay;
let serve: (socket: net.Socket) => void = echo;

beforeAll(async () => {
  backend = await startBackend((socket) => serve(socket));
  relay = await startRelay({ BACKENDS: backend.entry });
});

afterAll(async () => {
  await relay.close();
  await backend.close();
});

afterEach(() => vi.restoreAllMocks());

describe('the browser-safe core, on the web platform of this runtime', () => {
  it.each([
    ['a link', () => relay.link],
    ['a bare address', () => relay.origin],
    ['a link with a path', () => formatLink({ ...parseLink(relay.link), url: `${relay.origin}a/path/` })],
    ['a bare address with a path', () => `${relay.origin}a/path`],
  ])('goes through a relay given as %s', async (_, address) => {
    serve = echo;
    const socket = connect(backend.address, { relay: address() });
    const writer = socket.writable.getWriter();
    await writer.write(toUtf8('hello'));
    await writer.close();
    expect(await new Response(socket.readable).text()).toBe('hello');
    await socket.closed;
  });

  it('moves to another carrier when the network changes, and says where it stands', async () => {
    const network = new EventTarget();
    vi.stubGlobal('addEventListener', network.addEventListener.bind(network));
    vi.stubGlobal('removeEventListener', network.removeEventListener.bind(network));
    const opened = vi.spyOn(globalThis, 'WebSocket');
    serve = echo;
    const socket = connect(backend.address, { relay: relay.link });
    const told: unknown[] = [];
    for (const status of ['online', 'reconnecting', 'resumed'] as const)
      socket.addEventListener(status, (event) => told.push([status, (event as CustomEvent).detail]));
    const writer = socket.writable.getWriter();
    const reader = socket.readable.getReader();
    for (const word of ['one', 'two']) {
      await writer.write(toUtf8(word));
      expect(new TextDecoder().decode((await reader.read()).value)).toBe(word);
      network.dispatchEvent(new Event('online'));
    }
    await until('the next carriers are there', () => opened.mock.calls.length === 3);
    await writer.write(toUtf8('three'));
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('three');
    // The carriers before worked, so the app has nothing to show.
    expect(told).toEqual([['online', 1]]);
    expect(backend.open.size).toBe(1);
    await writer.close();
    await reader.read();
    await socket.closed;
    network.dispatchEvent(new Event('online'));
    expect(opened).toHaveBeenCalledTimes(3);
    vi.unstubAllGlobals();
  });

  it('delivers all that was written before close(), to a backend that reads late', async () => {
    const length = 5_000_000;
    let received = 0;
    serve = (socket) => {
      socket.pause();
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      setTimeout(() => socket.resume(), 500);
      socket.on('end', () => socket.end());
    };
    const socket = connect(backend.address, { relay: relay.link });
    const writer = socket.writable.getWriter();
    for (let sent = 0; sent < length; sent += 100_000) await writer.write(new Uint8Array(100_000));
    await socket.close();
    await until('the backend has all of it', () => received === length);
  });

  it('cannot tell why a relay is out of reach', async () => {
    const socket = connect(backend.address, { relay: relay.link.replace(/\d+\/#/, '1/#') });
    await expect(socket.opened).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('what cannot be opened', () => {
  const key = (fill: number) => new Uint8Array(32).fill(fill);

  it.each<[string, () => string, string]>([
    ['a relay with another key', () => formatLink({ ...parseLink(relay.link), key: key(9) }), 'not-admitted'],
    ['a link whose key is none', () => formatLink({ ...parseLink(relay.link), key: key(0) }), 'link-invalid'],
    ['a host where nothing listens', () => relay.link.replace(/\d+\/#/, '1/#'), 'refused'],
    ['a name that does not resolve', () => formatLink({ url: 'https://relay.invalid/', key: key(9) }), 'name-unknown'],
    ['a host without TLS', () => relay.link.replace('http:', 'https:'), 'not-trusted'],
    ['a broken link', () => 'https://relay.example/#paaaa', 'link-invalid'],
  ])('because of %s is an error event', async (_, link, code) => {
    expect((await failure(createConnection(backend.address, { relay: link() }))).code).toBe(code);
  });

  it('and is no backend at all is thrown at once', () => {
    expect(() => createConnection('nowhere', { relay: relay.link })).toThrow(
      expect.objectContaining({ code: 'address-invalid' }),
    );
  });
});

describe('a wrong clock', () => {
  it('is set right by the Date of the host', async () => {
    // The edge dates its answers; a local relay does not, so this front does.
    const { port } = new URL(relay.origin);
    const front = net.createServer((socket) => {
      const upstream = net.connect(Number(port), '127.0.0.1');
      socket.pipe(upstream);
      upstream.once('data', (head: Buffer) => {
        const dated = head.toString('latin1').replace('\r\n', `\r\nDate: ${new Date(realNow()).toUTCString()}\r\n`);
        socket.write(dated, 'latin1');
        upstream.pipe(socket);
      });
      socket.on('error', () => {}).on('close', () => upstream.destroy());
      upstream.on('error', () => {}).on('close', () => socket.destroy());
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    const realNow = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => realNow() - 3_600_000);
    serve = echo;
    const link = relay.link.replace(port, String((front.address() as net.AddressInfo).port));
    const socket = createConnection(backend.address, { relay: link });
    socket.end('an hour ago');
    expect(await text(socket)).toBe('an hour ago');
    expect((await failure(createConnection(backend.address, { relay: relay.link }))).code).toBe('not-admitted');
    front.close();
  });
});

describe('the Duplex', () => {
  it('sends what was written in one tick in one record', async () => {
    serve = echo;
    const counts = countingDial();
    const socket = createConnection(backend.address, { relay: relay.link, dial: counts.dial });
    await until('the first records are through', () => socket.roundTrip !== undefined);
    const { sentMessages } = counts;
    for (let i = 0; i < 100; i++) socket.write('x');
    socket.end();
    expect(await text(socket)).toBe('x'.repeat(100));
    // One with the data and the FIN, one or two to acknowledge what came back.
    expect(counts.sentMessages - sentMessages).toBeLessThanOrEqual(3);
  });

  it('says false when it is full, and drain when it is not', async () => {
    let resume = () => {};
    serve = (socket) => {
      socket.pause();
      resume = () => socket.resume().on('end', () => socket.end());
    };
    const socket = createConnection(backend.address, { relay: relay.link });
    await once(socket, 'connect');
    let written = 0;
    while (socket.write(Buffer.alloc(65_536))) {
      written += 1;
      if (written > 10_000) throw new Error('never full');
      await new Promise((resolve) => setImmediate(resolve));
    }
    const drained = once(socket, 'drain');
    resume();
    await drained;
    socket.destroy();
  });

  it('holds back what the app does not read', async () => {
    const length = 1_000_000;
    serve = (backendSocket) => backendSocket.resume().end(Buffer.alloc(length));
    const socket = createConnection(backend.address, { relay: relay.link });
    // Somebody listens, and takes nothing.
    const listener = () => {};
    socket.on('readable', listener).write('x');
    await until('its buffer is full', () => socket.readableLength >= socket.readableHighWaterMark);
    await sleep(200);
    // One record may go beyond the mark; the rest waits in the session's window.
    expect(socket.readableLength).toBeLessThanOrEqual(socket.readableHighWaterMark + RECORD_MAX);
    socket.off('readable', listener);
    expect((await buffer(socket)).length).toBe(length);
  });

  it("can be destroyed with an error, which is the app's own", async () => {
    serve = echo;
    const socket = createConnection(backend.address, { relay: relay.link });
    await once(socket, 'connect');
    const failed = failure(socket);
    socket.destroy(new Error('enough'));
    expect((await failed).message).toBe('enough');
    await until('the backend connection is closed', () => backend.open.size === 0);
  });

  it('that is destroyed before anything was written never reaches the backend', async () => {
    serve = echo;
    // One that a test before has left may still be on its way.
    await sleep(300);
    const { accepted } = backend;
    const socket = createConnection(backend.address, { relay: relay.link });
    socket.destroy();
    await once(socket, 'close');
    await sleep(300);
    expect(backend.accepted).toBe(accepted);
  });

  it('calls back the write that its end cuts short, and resets', async () => {
    serve = (socket) => socket.pause();
    const socket = createConnection(backend.address, { relay: relay.link });
    const back = new Promise((resolve) => socket.write(Buffer.alloc(64 * 1024 * 1024), resolve));
    await once(socket, 'connect');
    socket.destroy();
    await back;
    for (const backendSocket of backend.open) backendSocket.on('end', () => backendSocket.end()).resume();
    await until('the backend has closed', () => backend.open.size === 0);
  });

  it('says nothing of a connection once it is destroyed', async () => {
    serve = echo;
    const socket = createConnection(backend.address, { relay: relay.link });
    const events: string[] = [];
    for (const name of ['connect', 'ready', 'close']) socket.on(name, () => events.push(name));
    socket.write('x');
    socket.destroy();
    await sleep(300);
    expect(events).toEqual(['close']);
    await until('the backend has closed', () => backend.open.size === 0);
  });

  it('has a timeout that activity puts off, and that 0 turns off', async () => {
    serve = echo;
    const socket = createConnection(backend.address, { relay: relay.link });
    await once(socket, 'connect');
    let timeouts = 0;
    const began = Date.now();
    socket.setTimeout(300, () => {
      timeouts += 1;
    });
    const chatter = setInterval(() => socket.write('x'), 100);
    socket.resume();
    await sleep(800);
    expect(timeouts).toBe(0);
    clearInterval(chatter);
    await once(socket, 'timeout');
    expect(Date.now() - began).toBeGreaterThanOrEqual(1000);
    socket.setTimeout(0);
    await sleep(500);
    expect(timeouts).toBe(1);
    expect(socket.destroyed).toBe(false);
    socket.destroy();
  });

  it('is a socket for those who configure sockets', async () => {
    serve = echo;
    const socket = createConnection(backend.address, { relay: relay.link });
    expect(socket.ref().unref().setNoDelay().setKeepAlive()).toBe(socket);
    socket.end('still works');
    expect(await text(socket)).toBe('still works');
  });

  it('measures its round trip', async () => {
    serve = echo;
    const socket = createConnection(backend.address, { relay: relay.link });
    await until('a PONG is back', () => socket.roundTrip !== undefined);
    expect(socket.roundTrip).toBeLessThan(1000);
    socket.destroy();
  });
});

describe('a host that is no relay', () => {
  it('is told apart from one that cannot be reached', async () => {
    const asked: (string | undefined)[] = [];
    const server = http.createServer((_, response) => response.end('Hello World!'));
    server.on('upgrade', ({ url }, socket) => {
      asked.push(url);
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}/`;
    const { key } = parseLink(relay.link);
    if (!key) throw new Error('no key');
    for (const url of [origin, `${origin}a/path/`])
      expect((await failure(createConnection(backend.address, { relay: formatLink({ url, key }) }))).code).toBe(
        'not-admitted',
      );
    expect(asked).toEqual(['/', '/a/path/']);
    expect((await failure(createConnection(backend.address, { relay: origin }))).code).toBe('no-key');
    server.closeAllConnections();
    server.close();
  });
});
