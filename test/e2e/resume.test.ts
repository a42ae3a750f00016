/** Sessions that outlive their carriers, through the real Worker and its hub, over real connections that are cut. */
import { once } from 'node:events';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { nodeCipher } from '../../client/node/cipher.ts';
import { createConnection, type PuenteSocket } from '../../client/node/index.ts';
import { type Bytes, EMPTY, toUtf8 } from '../../protocol/bytes.ts';
import { encodeHello } from '../../protocol/carrier/hello.ts';
import { PACKET_DATA } from '../../protocol/limits.ts';
import { inviteKeyOf, signInvite } from '../../protocol/permits/invite.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import { failure } from '../support/failure.ts';
import { KnownBytes, KnownBytesCheck } from '../support/fixtures/bytes.ts';
import { helloFor, openHello, RawClient, random } from '../support/network/raw-client.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';
import { until } from '../support/until.ts';

const KEY = random(32);
const MiB = 1024 * 1024;
const RESUME_SECONDS = 10;

let backend: Backend;
let relay: Relay;
let path: Path;
let serve: (socket: net.Socket) => void;
let away: Away;
let itsBackend: Backend;

beforeAll(async () => {
  backend = await startBackend((socket) => serve(socket));
  itsBackend = await startBackend((socket) => socket.resume().on('end', () => socket.end()));
  const BACKENDS = `${backend.entry} ${itsBackend.entry}`;
  relay = await startRelay({ BACKENDS, RESUME_SECONDS: `${RESUME_SECONDS}` }, KEY);
  away = await leave();
  path = await startPath(Number(new URL(relay.origin).port));
});

afterAll(async () => {
  path?.close();
  await relay?.close();
  await backend?.close();
  await itsBackend?.close();
});

afterEach(() => {
  path.frozen = false;
  path.to = Number(new URL(relay.origin).port);
  for (const socket of backend.open) socket.destroy();
});

/** When a client went that does not come back while the other tests go on, and when its backend was let go. */
interface Away {
  left: number;
  letGo?: number;
}

async function leave(): Promise<Away> {
  const client = await RawClient.open(relay.link, openHello(itsBackend.address, { resumable: true }));
  await client.send({ type: 'ack', received: 0, limit: 65_536 });
  await until('the backend is connected', () => itsBackend.open.size === 1);
  const [atBackend] = itsBackend.open;
  client.close();
  const away: Away = { left: performance.now() };
  atBackend?.once('close', () => {
    away.letGo = performance.now();
  });
  return away;
}

interface Path {
  port: number;
  /** Where it leads; for new connections. */
  to: number;
  /** Connections that went over it so far. */
  carriers: number;
  /** New connections get nowhere, and nobody is told. */
  frozen: boolean;
  cut(): void;
  freeze(): void;
  thaw(): void;
  close(): void;
}

/** A network path to the relay that can be cut, or freeze. */
async function startPath(to: number): Promise<Path> {
  const pairs = new Set<[net.Socket, net.Socket]>();
  const server = net.createServer({ noDelay: true }, (near) => {
    path.carriers += 1;
    const far = net.connect({ port: path.to, host: '127.0.0.1', noDelay: true });
    const pair: [net.Socket, net.Socket] = [near, far];
    pairs.add(pair);
    for (const socket of pair) socket.on('error', () => {}).on('close', () => pairs.delete(pair));
    if (path.frozen) return void near.pause();
    near.pipe(far).pipe(near);
  });
  const path: Path = {
    port: 0,
    to,
    carriers: 0,
    frozen: false,
    cut() {
      for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
    },
    freeze() {
      for (const [near, far] of pairs) {
        near.unpipe().pause();
        far.unpipe().pause();
      }
    },
    thaw() {
      for (const [near, far] of pairs) if (!path.frozen) near.pipe(far).pipe(near);
    },
    close() {
      path.cut();
      server.close();
    },
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  path.port = (server.address() as net.AddressInfo).port;
  return path;
}

function linkOver(port: number): string {
  const link = new URL(relay.link);
  link.port = String(port);
  return link.href;
}

const open = (options = {}): PuenteSocket =>
  createConnection(backend.address, { relay: linkOver(path.port), ...options });

async function opened(options = {}): Promise<PuenteSocket> {
  const socket = open(options);
  await once(socket, 'connect');
  return socket;
}

async function answer(socket: PuenteSocket): Promise<string> {
  return String((await once(socket, 'data'))[0]);
}

describe('a carrier that is cut', () => {
  it('is replaced: what was written in between arrives, in order', async () => {
    serve = echo;
    const socket = await opened();
    const events: unknown[] = [];
    socket.on('reconnecting', () => events.push('reconnecting')).on('resumed', (count) => events.push(count));
    socket.write('one');
    expect(await answer(socket)).toBe('one');
    for (const word of ['two', 'three']) {
      path.cut();
      socket.write(word);
      expect(await answer(socket)).toBe(word);
    }
    expect(events).toEqual(['reconnecting', 1, 'reconnecting', 2]);
    expect(backend.open.size).toBe(1);
    socket.end();
    await once(socket, 'close');
    await until('the backend is closed', () => backend.open.size === 0);
  });

  it('loses no byte of a transfer in both directions, however often', async () => {
    const size = 24 * MiB;
    const [toBackend, toClient] = [new KnownBytesCheck(1), new KnownBytesCheck(2)];
    let uncut = 0;
    // By what has arrived, not by time: a busy machine would do nothing but resume.
    const take = (bytes: Buffer, check: KnownBytesCheck): void => {
      check.feed(bytes);
      uncut += bytes.length;
      if (uncut < MiB) return;
      uncut = 0;
      path.cut();
    };
    serve = (socket) => {
      socket.on('data', (bytes) => take(bytes, toBackend));
      void pour(socket, new KnownBytes(2), size);
    };
    const socket = open({ allowHalfOpen: true });
    socket.on('data', (bytes: Buffer) => take(bytes, toClient));
    const [ended, closed] = [once(socket, 'end'), once(socket, 'close')];
    // A connection that is cut while it opens is no session yet.
    await once(socket, 'connect');
    const before = path.carriers;
    await Promise.all([pour(socket, new KnownBytes(1), size), ended, closed]);
    await until('the backend has all', () => toBackend.length === size);
    expect([toBackend.length, toClient.length]).toEqual([size, size]);
    expect(path.carriers - before).toBeGreaterThan(10);
  });

  it('while both sides end: a clean end at both', async () => {
    serve = async (socket) => socket.end(`got ${await text(socket)}`);
    const socket = await opened();
    socket.end('a question');
    path.cut();
    expect(await text(socket)).toBe('got a question');
    await until('the backend is closed', () => backend.open.size === 0);
  });

  it('while the backend resets: the client is told by the tombstone', async () => {
    serve = () => {};
    const socket = await opened();
    path.frozen = true;
    path.cut();
    await sleep(200);
    for (const at of backend.open) at.resetAndDestroy();
    await sleep(200);
    path.frozen = false;
    path.cut();
    expect(await failure(socket)).toMatchObject({ code: 'backend-reset' });
  });
});

describe('a carrier that freezes', () => {
  it('is noticed with data on its way, and replaced', async () => {
    serve = echo;
    const socket = await opened();
    socket.write('one');
    expect(await answer(socket)).toBe('one');
    path.freeze();
    socket.write('two');
    expect(await answer(socket)).toBe('two');
    socket.destroy();
  });

  it('and comes to life again is not harmed by the attempts to replace it', async () => {
    serve = echo;
    const socket = await opened();
    const events: string[] = [];
    socket.on('reconnecting', () => events.push('reconnecting')).on('resumed', () => events.push('resumed'));
    socket.write('one');
    expect(await answer(socket)).toBe('one');
    path.freeze();
    const before = path.carriers;
    // New ones get nowhere either.
    path.frozen = true;
    socket.write('two');
    await until('another is tried', () => path.carriers > before);
    path.frozen = false;
    path.thaw();
    expect(await answer(socket)).toBe('two');
    await sleep(1000);
    expect(socket.destroyed).toBe(false);
    socket.write('three');
    expect(await answer(socket)).toBe('three');
    expect(events[0]).toBe('reconnecting');
    socket.destroy();
  });

  it('is noticed by a client that only receives', async () => {
    const size = 8 * 1024 * 1024;
    serve = (socket) => void pour(socket, new KnownBytes(3), size);
    const check = new KnownBytesCheck(3);
    const socket = open();
    let frozen = false;
    socket.on('data', (bytes: Buffer) => {
      check.feed(bytes);
      if (!frozen && check.length > 1024 * 1024) {
        frozen = true;
        path.freeze();
      }
    });
    await once(socket, 'end');
    expect(check.length).toBe(size);
  });
});

describe('a relay that was restarted', () => {
  it('does not know the session: the socket fails at once, and the next one works', async () => {
    serve = echo;
    const socket = await opened();
    const next = await startRelay({ BACKENDS: backend.entry }, KEY);
    path.to = Number(new URL(next.origin).port);
    const start = performance.now();
    path.cut();
    expect(await failure(socket)).toMatchObject({ code: 'session-unknown' });
    expect(performance.now() - start).toBeLessThan(2000);
    const again = await opened();
    again.write('hello');
    expect(await answer(again)).toBe('hello');
    again.destroy();
    await next.close();
  });
});

describe('a relay whose hub is in a region', () => {
  it('grants and resumes as any', async () => {
    serve = echo;
    const regional = await startRelay({ BACKENDS: backend.entry, HUB_REGION: 'me' }, KEY);
    const held = await RawClient.open(regional.link, openHello(backend.address, { resumable: true }));
    expect(held.grant).toMatchObject({ resumable: true });
    const resumed = await held.resume(regional.link, 1, { received: 0, limit: 65_536 });
    expect(resumed.grant).toMatchObject({ resumable: true });
    held.close();
    resumed.close();
    await regional.close();
  });
});

describe('a relay without hubs', () => {
  it('grants plain sessions, which end with their carrier, and resumes none', async () => {
    serve = echo;
    const plain = await startRelay({ BACKENDS: backend.entry, HUBS: '0' }, KEY);
    path.to = Number(new URL(plain.origin).port);
    const held = await RawClient.open(relay.link, openHello(backend.address, { resumable: true }));
    const refused = await held.resume(plain.link, 1, { received: 0, limit: 65_536 });
    expect(refused.grant).toEqual({ refusal: 5 });
    held.close();
    const granted = await RawClient.open(plain.link, openHello(backend.address, { resumable: true }));
    expect(granted.grant).toMatchObject({ resumable: false, patience: 0, session: EMPTY });
    granted.close();
    const socket = await opened();
    path.cut();
    expect(await failure(socket)).toMatchObject({ code: 'carrier-lost' });
    await plain.close();
  });
});

describe('a client that does not come back', () => {
  it('has its session kept for RESUME_SECONDS, then its backend is let go', async () => {
    await until('the backend is let go', () => away.letGo !== undefined, 2 * RESUME_SECONDS * 1000);
    const kept = (away.letGo ?? 0) - away.left;
    expect(kept).toBeGreaterThan(RESUME_SECONDS * 1000 - 2000);
    expect(kept).toBeLessThan(RESUME_SECONDS * 1000 + 8000);
  });

  it('gives up when its relay has, and not before', async () => {
    serve = echo;
    const socket = await opened();
    path.frozen = true;
    path.cut();
    const since = performance.now();
    expect(await failure(socket)).toMatchObject({ code: 'carrier-lost' });
    expect(performance.now() - since).toBeGreaterThan(RESUME_SECONDS * 1000);
  });
});

describe('a session that is aborted', () => {
  it('lets its backend go, also one that reads nothing', async () => {
    serve = (socket) => socket.pause();
    const socket = await opened();
    const written = new Promise((resolve) => socket.write(Buffer.alloc(8 * 1024 * 1024), resolve));
    await sleep(500);
    const [atBackend] = backend.open;
    socket.destroy(new Error('enough'));
    await failure(socket);
    await written;
    await sleep(200);
    atBackend?.resume().on('end', () => atBackend.end());
    await until('the backend is let go', () => backend.open.size === 0);
  });
});

describe('a resume', () => {
  const data = (offset: number, text: string) => ({ type: 'data', offset, bytes: toUtf8(text) }) as const;
  const ack = (received: number) => ({ type: 'ack', received, limit: received + 65_536 }) as const;
  /** The stream that came on this carrier, from its first byte. */
  const heard = ({ frames }: RawClient) =>
    frames.flatMap((frame) => (frame.type === 'data' ? [[frame.offset, String(Buffer.from(frame.bytes))]] : []));

  async function withCarrier(): Promise<RawClient> {
    serve = echo;
    const client = await RawClient.open(relay.link, openHello(backend.address, { resumable: true }));
    await client.send(ack(0), data(0, 'ab'));
    await until('the echo', () => heard(client).length === 1);
    return client;
  }

  it('moves the session with its first record, not before, and fences the old carrier', async () => {
    const old = await withCarrier();
    const next = await old.resume(relay.link, 1, { received: 1, limit: 65_536 });
    expect(next.grant).toMatchObject({ resumable: true, received: 2, patience: RESUME_SECONDS * 1000 });
    await old.send(data(2, 'cd'));
    await until('the echo on the old one', () => heard(old).length === 2);
    expect(heard(next)).toEqual([]);

    // What it has received was not acknowledged: it comes again, and what is sent again is trimmed.
    await next.send(ack(1), data(0, 'abcdef'));
    await old.closed;
    await until('the echo on the new one', () => heard(next).some(([, text]) => String(text).endsWith('ef')));
    expect(
      heard(next)
        .map(([, text]) => text)
        .join(''),
    ).toBe('bcdef');
    expect(heard(next)[0]?.[0]).toBe(1);
    expect(
      heard(old)
        .map(([, text]) => text)
        .join(''),
    ).toBe('abcd');
    expect(backend.accepted).toBeGreaterThan(0);
    next.close();
  });

  it('needs a number above all before it, and overtakes one that has not spoken', async () => {
    const old = await withCarrier();
    const silent = await old.resume(relay.link, 5, { received: 0, limit: 65_536 });
    for (const number of [0, 4, 5]) {
      const late = await old.resume(relay.link, number, { received: 0, limit: 65_536 });
      expect(late.grant).toEqual({ refusal: 5 });
    }
    const next = await old.resume(relay.link, 6, { received: 2, limit: 65_536 });
    await silent.closed;
    await next.send(ack(2), data(2, 'cd'));
    await until('the echo', () => heard(next).length === 1);
    expect(heard(next)).toEqual([[2, 'cd']]);
    next.close();
  });

  it('has a carrier of its own allowance: the relay sends no more on it, and the rest on the next', async () => {
    serve = (socket) => socket.end(new KnownBytes(7).next(20_000));
    const hello = openHello(backend.address, { resumable: true, allowance: 5000 });
    const first = await RawClient.open(relay.link, hello);
    await first.send(ack(0));
    const pieces = (client: RawClient) => client.frames.flatMap((frame) => (frame.type === 'data' ? frame.bytes : []));
    const received = (client: RawClient) => Buffer.concat(pieces(client));
    await until('it has used it', () => received(first).length > 3000);
    await sleep(300);
    expect(received(first).length).toBeLessThan(5000);
    expect(Math.max(...pieces(first).map(({ length }) => length))).toBeLessThanOrEqual(PACKET_DATA);
    expect(first.frames.map(({ type }) => type)).not.toContain('pad');

    const next = await first.resume(relay.link, 1, { received: received(first).length, limit: 65_536 });
    await next.send(ack(received(first).length));
    await until('the FIN', () => next.frames.some(({ type }) => type === 'fin'));
    const check = new KnownBytesCheck(7);
    check.feed(received(first));
    check.feed(received(next));
    expect(check.length).toBe(20_000);
    next.close();
  });

  it('from an offset that cannot be ends the session', async () => {
    const old = await withCarrier();
    const next = await old.resume(relay.link, 1, { received: 3, limit: 65_536 });
    await next.send(ack(3));
    await next.closed;
    expect(next.frames).toContainEqual({ type: 'reset', code: 21 });
    await until('the backend is let go', () => backend.open.size === 0);
    // It is remembered, and says the same again.
    const again = await old.resume(relay.link, 2, { received: 2, limit: 65_536 });
    await again.closed;
    expect(again.frames).toEqual([{ type: 'reset', code: 21 }]);
  });

  it('after the last ACK was lost gets it again', async () => {
    serve = (socket) => socket.resume().on('end', () => socket.end());
    const client = await RawClient.open(relay.link, openHello(backend.address, { resumable: true }));
    await client.send(ack(0), data(0, 'bye'), { type: 'fin', offset: 3 });
    await until('the FIN', () => client.frames.some(({ type }) => type === 'fin'));
    await client.send(ack(1));
    await client.closed;
    const again = await client.resume(relay.link, 1, { received: 1, limit: 65_536 });
    await again.closed;
    expect(again.grant).toMatchObject({ received: 4 });
    expect(again.frames).toEqual([{ type: 'ack', received: 4, limit: expect.any(Number) }]);
  });
});

describe('nobody else', () => {
  it('can resume a session: its id is not enough, nor is a number that was used', async () => {
    serve = echo;
    const client = await RawClient.open(relay.link, openHello(backend.address, { resumable: true }));
    if (!('session' in client.grant)) throw new Error('refused');
    const { session } = client.grant;
    expect(session.length).toBe(17);
    const hello = {
      kind: 'resume',
      session,
      received: 0,
      limit: 65_536,
      invite: EMPTY,
      allowance: Number.POSITIVE_INFINITY,
      time: Date.now(),
    } as const;
    for (const carrier of [1, 0]) {
      const thief = RawClient.open(relay.link, { ...hello, session, carrier, mac: random(32) });
      await expect(thief).rejects.toThrow('Unexpected server response: 200');
    }
    // Where there is no session there is no proof to be checked, and an honest client must learn that it is gone.
    for (const id of [random(17), EMPTY]) {
      const lost = await RawClient.open(relay.link, { ...hello, session: id, carrier: 1, mac: random(32) });
      expect(lost.grant).toEqual({ refusal: 5 });
    }
    await client.send(
      { type: 'ack', received: 0, limit: 65_536 },
      { type: 'data', offset: 0, bytes: new Uint8Array([7]) },
    );
    await until('the echo', () => client.frames.some(({ type }) => type === 'data'));
    client.close();
  });

  it('of another invite can, however good: the invite that opened it can', async () => {
    serve = echo;
    const vars = { BACKENDS: backend.entry, ACCESS: 'invite' };
    const closed = await startRelay(vars, KEY);
    const key = await nodeCipher.publicKey(KEY);
    const inviteKey = await inviteKeyOf(nodeCipher, KEY);
    const linkWith = async (id: Bytes, expires: number) => {
      const terms = { id, expires, sessions: 0, backends: '' };
      return formatLink({ url: closed.origin, key, invite: await signInvite(nodeCipher, inviteKey, terms) });
    };
    const [id, soon, later] = [random(6), Date.now() + 600_000, Date.now() + 900_000];
    const own = await linkWith(id, soon);
    const { invite = EMPTY } = parseLink(own);
    const client = await RawClient.open(own, openHello(backend.address, { resumable: true, invite }));
    await client.send({ type: 'ack', received: 0, limit: 65_536 });
    const offsets = { received: 0, limit: 65_536 };
    const other = await client.resume(await linkWith(random(6), later), 1, offsets);
    expect(other.grant).toEqual({ refusal: 5 });
    // The same invite by its id, signed anew.
    const renewed = await client.resume(await linkWith(id, later), 2, offsets);
    expect(renewed.grant).toMatchObject({ resumable: true });
    await expect(client.resume(await linkWith(id, Date.now() - 1000), 3, offsets)).rejects.toThrow(
      'Unexpected server response',
    );
    client.close();
    renewed.close();
    await closed.close();
  });

  it('can replay its hello to the hub', async () => {
    serve = () => {};
    const payload = encodeHello(openHello(backend.address, { resumable: true }), random);
    const { protocols } = await helloFor(relay.link, payload);
    const status = async () => {
      const socket = new WebSocket(relay.origin.replace('http', 'ws'), protocols);
      const result = await Promise.race([
        once(socket, 'open').then(() => 101),
        new Promise((resolve) =>
          socket.on('error', () => {}).on('unexpected-response', (_, { statusCode }) => resolve(statusCode)),
        ),
      ]);
      socket.terminate();
      return result;
    };
    expect([await status(), await status()]).toEqual([101, 200]);
  });
});

/** Writes this much of a stream, as fast as it is taken, then ends it. */
async function pour(stream: net.Socket | PuenteSocket, source: KnownBytes, size: number): Promise<void> {
  for (let left = size; left > 0; left -= 65_536)
    if (!stream.write(source.next(Math.min(left, 65_536)))) await once(stream, 'drain');
  stream.end();
}
