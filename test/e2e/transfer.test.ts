/** Bulk, back-pressure and clean-up, through the real Worker over a real port to a real TCP backend. */
import { once } from 'node:events';
import type net from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createConnection, type PuenteSocket } from '../../client/node/index.ts';
import { WINDOW_INITIAL, WINDOW_MAX } from '../../protocol/limits.ts';
import { KnownBytes, KnownBytesCheck } from '../support/fixtures/bytes.ts';
import { countingDial } from '../support/network/counting-dial.ts';
import { openHello, RawClient } from '../support/network/raw-client.ts';
import { bytesInKernel, openSockets, workerdPids } from '../support/proc.ts';
import { type Backend, startBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';
import { until } from '../support/until.ts';

const MiB = 1024 * 1024;

let backend: Backend;
let relay: Relay;
let serve: (socket: net.Socket) => void;

beforeAll(async () => {
  backend = await startBackend((socket) => serve(socket));
  // Sessions that have ended keep their hub in memory for so long.
  relay = await startRelay({ BACKENDS: backend.entry, RESUME_SECONDS: '10' });
});

// What a test that failed left open is not the next one's.
afterEach(() => {
  for (const socket of backend.open) socket.destroy();
});

afterAll(async () => {
  await relay.close();
  await backend.close();
});

function connect(): PuenteSocket {
  return createConnection(backend.address, { relay: relay.link, allowHalfOpen: true });
}

/** Writes a known stream as fast as the stream takes it, then half-closes. */
async function send(stream: net.Socket | PuenteSocket, seed: number, length: number): Promise<void> {
  const bytes = new KnownBytes(seed);
  for (let sent = 0; sent < length; ) {
    const chunk = bytes.next(Math.min(1 + ((sent * 7919) % 200_000), length - sent));
    sent += chunk.length;
    if (!stream.write(chunk)) await once(stream, 'drain');
  }
  stream.end();
}

async function receive(stream: net.Socket | PuenteSocket, seed: number): Promise<number> {
  const check = new KnownBytesCheck(seed);
  stream.on('data', (chunk: Buffer) => check.feed(chunk));
  await once(stream, 'end');
  return check.length;
}

/** Waits until a count has not moved for half a second, in which this process could look at it. */
async function settled(count: () => number): Promise<number> {
  let last = -1;
  let since = Date.now();
  let looks = 0;
  await until('the count stands still', () => {
    looks++;
    if (count() !== last) {
      since = Date.now();
      looks = 0;
    }
    last = count();
    return Date.now() - since > 500 && looks > 20;
  });
  return last;
}

/** Makes the backend write as fast as TCP takes it, and counts the bytes. */
function pour(): { offered: () => number } {
  let offered = 0;
  serve = (socket) => {
    const chunk = Buffer.alloc(64 * 1024, 1);
    const pump = () => {
      do offered += chunk.length;
      while (!socket.destroyed && socket.write(chunk));
      socket.once('drain', pump);
    };
    pump();
  };
  return { offered: () => offered };
}

/** Seals, headers and padding: a record carries at most 65,000 bytes of data and at least a quarter of the window. */
const OVERHEAD = 16 * 1024;

describe('bulk', () => {
  it('goes 64 MiB each way at once through one session, byte for byte', async () => {
    const length = 64 * MiB;
    let atBackend: Promise<number> | undefined;
    serve = (socket) => {
      atBackend = receive(socket, 1);
      void send(socket, 2, length);
    };
    const socket = connect();
    const [atClient] = await Promise.all([receive(socket, 2), send(socket, 1, length)]);
    expect(atClient).toBe(length);
    expect(await atBackend).toBe(length);
  });
});

describe.skipIf(process.platform !== 'linux')('back-pressure', () => {
  it('stops a client whose backend never reads, within the window', async () => {
    serve = (socket) => socket.pause();
    const carried = countingDial();
    const socket = createConnection(backend.address, { relay: relay.link, dial: carried.dial });
    const chunk = Buffer.alloc(64 * 1024, 1);
    let waits = false;
    const pump = () => {
      while (socket.write(chunk));
      waits = true;
      socket.once('drain', () => {
        waits = false;
        pump();
      });
    };
    pump();
    await until('the client is told to wait', () => waits);
    const sent = await settled(() => carried.sent);
    // What the kernel and the backend's stream took is out of the relay's hands; the rest fits a window.
    const [backendSocket] = backend.open;
    const taken = bytesInKernel(backend.port) + (backendSocket?.bytesRead ?? 0);
    expect(taken).toBeGreaterThan(0);
    expect(sent - taken).toBeLessThanOrEqual(WINDOW_MAX + OVERHEAD + sent / 100);
    expect(socket.writableLength).toBeLessThanOrEqual(chunk.length + socket.writableHighWaterMark);
    socket.on('error', () => {});
    socket.destroy(new Error('done'));
    // A paused socket learns of its end only by reading on.
    for (const backendSocket of backend.open) backendSocket.on('end', () => backendSocket.end()).resume();
    await until('the backend sees it go', () => backend.open.size === 0);
  });

  it('stops a backend whose client acknowledges all and proves nothing', async () => {
    pour();
    const client = await RawClient.open(relay.link, openHello(backend.address, { limit: 2 ** 50 }));
    const received = () =>
      client.frames.reduce((sum, frame) => sum + (frame.type === 'data' ? frame.bytes.length : 0), 0);
    // An ACK may be a guess of a client that reads nothing; only a PONG could not be, and this one sends none.
    const acknowledge = () => client.send({ type: 'ack', received: received(), limit: 2 ** 50 });
    await until('more than the largest window has come', async () => {
      await acknowledge();
      return received() > WINDOW_MAX;
    });
    for (let before = 0; received() > before && received() <= 2 * WINDOW_MAX; ) {
      before = received();
      await acknowledge();
      await settled(received);
    }
    expect(backend.open.size).toBe(1);
    expect(received()).toBeLessThanOrEqual(2 * WINDOW_MAX);
    client.close();
    await until('the backend sees it go', () => backend.open.size === 0, 15_000);
  });

  it('stops a backend whose client never reads, within the first window', async () => {
    const { offered } = pour();
    const carried = countingDial();
    const socket = createConnection(backend.address, { relay: relay.link, dial: carried.dial });
    socket.on('error', () => {});
    await until('the first window is on its way', () => carried.received > WINDOW_INITIAL);
    await settled(offered);
    const [backendSocket] = backend.open;
    if (!backendSocket) throw new Error('no backend socket');
    const taken = offered() - backendSocket.writableLength - bytesInKernel(backend.port);
    expect(carried.received).toBeLessThanOrEqual(WINDOW_INITIAL + OVERHEAD);
    // The relay reads no more than it may send, and one byte to notice the end by.
    expect(taken).toBeLessThanOrEqual(WINDOW_INITIAL + 1);
    socket.destroy();
    await until('the backend sees it go', () => backend.open.size === 0, 15_000);
  });
});

/** Unlike `once`, without minding an error on the way. */
function closed(socket: PuenteSocket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

describe.skipIf(process.platform !== 'linux')('clean-up', () => {
  /** The ways in which a session ends, each to its last step. */
  const endings: Record<string, (socket: PuenteSocket) => Promise<unknown>> = {
    async 'both sides finish'(socket) {
      socket.end('bye');
      socket.resume();
      await closed(socket);
    },
    async 'the client closes'(socket) {
      socket.write('bye');
      await once(socket, 'data');
      socket.destroy();
      await closed(socket);
    },
    async 'the client resets'(socket) {
      socket.write('bye');
      socket.destroy(new Error('reset'));
      await closed(socket);
    },
    async 'the client leaves before it is connected'(socket) {
      socket.write('bye');
      socket.destroy();
      await closed(socket);
    },
  };

  beforeEach(() => {
    serve = (socket) => {
      socket.on('data', (bytes) => (String(bytes) === 'reset me' ? socket.resetAndDestroy() : socket.write(bytes)));
      socket.on('end', () => socket.end());
    };
  });

  /** Opens a session for each, all at once. */
  async function round(ends: (typeof endings)[string][]): Promise<void> {
    await Promise.all(
      ends.map((end) => {
        const socket = connect();
        socket.on('error', () => {});
        return end(socket);
      }),
    );
  }

  /** Of workerd. */
  function sockets(): number {
    const [pid] = workerdPids();
    if (!pid) throw new Error('no workerd');
    return openSockets(pid);
  }

  it('leaves no socket, timer or listener behind after 1,000 sessions', async () => {
    const each = Object.values(endings).flatMap((end) => Array.from({ length: 10 }, () => end));
    await round(each);
    await until('the first round is gone', () => backend.open.size === 0, 15_000);
    const before = { sockets: sockets(), resources: resources(), accepted: backend.accepted };
    for (let sessions = 0; sessions < 1000; sessions += each.length) await round(each);
    // All but those that the client resets before they are connected.
    await until('all others were connected', () => backend.accepted - before.accepted >= 750, 15_000);
    await until('every backend socket is closed', () => backend.open.size === 0, 15_000);
    // Sooner than a hub that nobody uses is evicted, which would hide what it had kept.
    await until('workerd holds no more sockets', () => sockets() <= before.sockets, 5000);
    await until('the client holds nothing more', () => resources() <= before.resources, 15_000);
  });

  it('leaves no socket that a backend has reset behind, once its hub is evicted', async () => {
    await until('no session is left', () => backend.open.size === 0, 15_000);
    const before = sockets();
    const resets = async (socket: PuenteSocket) => {
      socket.write('reset me');
      await closed(socket);
    };
    await round(Array.from({ length: 50 }, () => resets));
    // Nothing that a Worker can call lets go of them (decision 26).
    await until('workerd holds no more sockets', () => sockets() <= before, 40_000);
  });
});

/** Timers, sockets and requests that keep this process alive. */
function resources(): number {
  return process.getActiveResourcesInfo().filter((name) => !name.startsWith('FS')).length;
}
