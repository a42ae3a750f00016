/** Several relays: real ones, each under a name of its own, that are dead, deaf, slow, strict or gone. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../client/index.ts';
import {
  createConnection,
  fetchRelayList,
  type NodeConnectOptions,
  type PuenteSocket,
  Relays,
  readRelayList,
} from '../../client/node/index.ts';
import { toUtf8 } from '../../protocol/bytes.ts';
import { FIRST_RECORD_TIMEOUT, HEAD_START_MIN, RACE_GAP } from '../../protocol/limits.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import { failure } from '../support/failure.ts';
import { KnownBytes } from '../support/fixtures/bytes.ts';
import { random } from '../support/fixtures/open-hello.ts';
import { type RelayFront, startRelayFront } from '../support/network/relay-front.ts';
import { WatchingDial } from '../support/network/watching-dial.ts';
import { type Backend, echo, startBackend, startSilentBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';
import { startSite } from '../support/servers/site.ts';
import { until } from '../support/until.ts';

const KEYS = { near: random(32), far: random(32) };
/** What WhatsApp begins with, so that it may go into a hello. */
const FIRST = Buffer.from('WA\u0006\u0003 and so on');

let backend: Backend;
let serve: (socket: net.Socket) => void = echo;
let near: Relay;
let far: Relay;
/** It reaches another backend. */
let strict: Relay;
/** Ways to `near` and to `far` that each test may break. */
let toNear: RelayFront;
let toFar: RelayFront;

beforeAll(async () => {
  backend = await startBackend((socket) => serve(socket));
  near = await startRelay({ BACKENDS: backend.entry }, KEYS.near);
  far = await startRelay({ BACKENDS: backend.entry }, KEYS.far);
  strict = await startRelay({ BACKENDS: 'any://127.0.0.1:9' });
});

afterAll(async () => {
  for (const relay of [near, far, strict]) await relay.close();
  await backend.close();
});

const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  serve = echo;
  toNear = await startRelayFront('127.0.0.2', near.origin);
  toFar = await startRelayFront('127.0.0.3', far.origin);
  cleanups.push(toNear.kill, toFar.kill);
});

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
  for (const socket of backend.open) socket.destroy();
});

/** A relay's link, under another name. */
function linkAt(relay: Relay, origin: string): string {
  return formatLink({ ...parseLink(relay.link), url: origin });
}

const nearLink = () => linkAt(near, toNear.origin);
const farLink = () => linkAt(far, toFar.origin);

function open(relay: string | Relays, options: Partial<NodeConnectOptions> = {}): PuenteSocket {
  const socket = createConnection(backend.address, { relay, ...options });
  cleanups.push(() => socket.on('error', () => {}).destroy());
  return socket;
}

/** Opens a socket, and has the backend answer. */
async function spoken(relays: Relays, options: Partial<NodeConnectOptions> = {}): Promise<PuenteSocket> {
  const socket = open(relays, options);
  socket.write(FIRST);
  expect((await once(socket, 'data'))[0]).toEqual(FIRST);
  return socket;
}

async function deadHost(): Promise<string> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.4', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.4:${port}/`;
}

async function blackHole(): Promise<string> {
  const silent = await startSilentBackend();
  cleanups.push(silent.close);
  return `http://${silent.address}/`;
}

async function noRelay(): Promise<string> {
  const site = await startSite();
  cleanups.push(site.close);
  return site.origin;
}

describe('a socket is opened through the next relay when the first one', () => {
  it.each<[string, () => Promise<string>]>([
    ['is a dead host', async () => linkAt(near, await deadHost())],
    ['is a black hole', async () => linkAt(near, await blackHole())],
    ['is a site and no relay', async () => linkAt(near, await noRelay())],
    ['is a site that publishes no key', noRelay],
    [
      'has another key than its link',
      async () => formatLink({ ...parseLink(nearLink()), key: new Uint8Array(32).fill(9) }),
    ],
    ['does not carry to this backend', async () => strict.link],
  ])('%s', async (_, first) => {
    const socket = await spoken(new Relays([await first(), farLink()]));
    expect(toFar.connections).toBe(1);
    socket.end();
    await once(socket, 'close');
  });

  it('is gone, in the browser-safe core as well', async () => {
    const relays = new Relays([await deadHost(), farLink()]);
    const socket = connect(backend.address, { relay: relays });
    const writer = socket.writable.getWriter();
    await writer.write(toUtf8('hello'));
    await writer.close();
    expect(await new Response(socket.readable).text()).toBe('hello');
    await socket.closed;
  });
});

describe('when all fail', () => {
  it('the one that got furthest says why', async () => {
    const relays = new Relays([await deadHost(), strict.link, await noRelay()]);
    expect(await failure(open(relays))).toMatchObject({ code: 'backend-not-allowed' });
  });

  it('the error names no relay', async () => {
    const link = linkAt(near, await deadHost());
    const { message } = await failure(open(new Relays([link])));
    expect(message).not.toContain(new URL(link).host);
  });
});

describe('the relay that worked last', () => {
  it('gets all further sockets, and their early data', async () => {
    const watch = new WatchingDial(KEYS.near, KEYS.far);
    const relays = new Relays([await deadHost(), nearLink(), farLink()]);
    for (let socket = 0; socket < 4; socket += 1) await spoken(relays, watch);
    expect([toNear.connections, toFar.connections]).toEqual([4, 0]);
    expect(watch.dialled.flatMap(({ hello }) => hello?.earlyData.length ?? [])).toEqual([
      0,
      ...Array(3).fill(FIRST.length),
    ]);
  });

  it('so saves a round trip: the backend has it before the client has said anything else', async () => {
    const relays = new Relays([nearLink(), farLink()]);
    await spoken(relays);
    const received = new Promise((resolve) => {
      serve = (socket) => socket.once('data', resolve);
    });
    const mute = Object.assign(new WatchingDial(), { isMute: true });
    open(relays, mute).write(FIRST);
    expect(await received).toEqual(FIRST);
  });

  it('is not waited for when it has gone deaf, and loses nothing of what it was sent', async () => {
    const relays = new Relays([nearLink(), farLink()]);
    await spoken(relays);
    toNear.delay = 3 * HEAD_START_MIN;
    const watch = new WatchingDial(KEYS.near, KEYS.far);
    await spoken(relays, watch);
    expect(watch.dialled).toMatchObject([
      { hostname: '127.0.0.2', hello: { earlyData: { length: FIRST.length } }, isClosed: true },
      { hostname: '127.0.0.3', hello: { earlyData: { length: 0 } }, isClosed: false },
    ]);
  });
});

describe('a race', () => {
  it('carries no early data, and every byte arrives once', async () => {
    const received = new Map<net.Socket, Buffer[]>();
    serve = (socket) => {
      received.set(socket, []);
      socket.on('data', (bytes: Buffer) => received.get(socket)?.push(bytes)).on('end', () => socket.end());
    };
    toNear.delay = 500;
    const watch = new WatchingDial(KEYS.near, KEYS.far);
    const socket = open(new Relays([nearLink(), farLink()]), watch);
    const content = Buffer.concat([FIRST, new KnownBytes(1).next(500_000)]);
    socket.resume().end(content);
    await once(socket, 'close');
    expect(watch.hostnames).toEqual(['127.0.0.2', '127.0.0.3']);
    expect(watch.dialled.map(({ hello }) => hello?.earlyData.length)).toEqual([0, 0]);
    const streams = [...received.values()].map((chunks) => Buffer.concat(chunks));
    expect(streams.filter(({ length }) => length > 0)).toEqual([content]);
  });

  it('leaves no backend socket of those who lost it', async () => {
    toNear.delay = 2000;
    const { accepted } = backend;
    const watch = new WatchingDial(KEYS.near, KEYS.far);
    const socket = await spoken(new Relays([nearLink(), farLink()]), watch);
    await until('the loser is closed', () => watch.dialled[0]?.isClosed === true);
    expect(backend.accepted - accepted).toBe(2);
    // It has the time that any client has to say something.
    await until('one backend socket', () => backend.open.size === 1, FIRST_RECORD_TIMEOUT + 5000);
    socket.write('still here');
    expect(String((await once(socket, 'data'))[0])).toBe('still here');
  });

  it('that the app gives up leaves nothing open', async () => {
    for (const front of [toNear, toFar]) front.delay = 2000;
    const { accepted } = backend;
    const watch = new WatchingDial(KEYS.near, KEYS.far);
    const socket = open(new Relays([nearLink(), farLink(), strict.link]), watch);
    await until('two have gone to the backend', () => backend.accepted - accepted === 2);
    socket.destroy();
    await until('all are closed', () => watch.dialled.every(({ isClosed }) => isClosed));
    const { length } = watch.dialled;
    await sleep(3 * RACE_GAP);
    expect(watch.dialled.length).toBe(length);
  });
});

describe('a relay that dies while it is in use', () => {
  it('is left by the next socket at once', async () => {
    const relays = new Relays([nearLink(), farLink()]);
    const lost = await spoken(relays);
    const reconnecting = once(lost, 'reconnecting');
    await toNear.kill();
    await reconnecting;
    const watch = new WatchingDial();
    await spoken(relays, watch);
    expect(watch.hostnames).toEqual(['127.0.0.3']);
    expect(lost.destroyed).toBe(false);
  });

  it('without hubs, likewise: the socket is lost with it', async () => {
    const plain = await startRelay({ BACKENDS: backend.entry, HUBS: '0' }, KEYS.near);
    const front = await startRelayFront('127.0.0.5', plain.origin);
    cleanups.push(plain.close, front.kill);
    const relays = new Relays([linkAt(near, front.origin), farLink()]);
    const lost = failure(await spoken(relays));
    await front.kill();
    expect(await lost).toMatchObject({ code: 'carrier-lost' });
    const watch = new WatchingDial();
    await spoken(relays, watch);
    expect(watch.hostnames).toEqual(['127.0.0.3']);
  });

  it('and comes back without its sessions, likewise', async () => {
    const doomed = await startRelay({ BACKENDS: backend.entry }, KEYS.near);
    const front = await startRelayFront('127.0.0.5', doomed.origin);
    cleanups.push(front.kill, doomed.close);
    const relays = new Relays([linkAt(near, front.origin), farLink()]);
    const lost = failure(await spoken(relays));
    // The name leads to another relay with the same key.
    const { port } = new URL(front.origin);
    await front.kill();
    const next = await startRelayFront('127.0.0.5', near.origin, Number(port));
    cleanups.push(next.kill);
    expect(await lost).toMatchObject({ code: 'session-unknown' });
    const watch = new WatchingDial();
    await spoken(relays, watch);
    expect(watch.hostnames).toEqual(['127.0.0.3']);
  });
});

describe('a list with a message', () => {
  const list = async () => JSON.stringify({ relays: [await deadHost(), farLink()], message: 'Two for now.' });

  it('comes from a URL', async () => {
    const text = await list();
    const server = http.createServer((_, response) => response.end(text)).listen(0, '127.0.0.1');
    cleanups.push(() => server.close());
    await once(server, 'listening');
    const { relays, message } = await fetchRelayList(`http://127.0.0.1:${(server.address() as AddressInfo).port}/list`);
    expect(message).toBe('Two for now.');
    await spoken(new Relays(relays));
  });

  it('comes from a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'puente-relays-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    const path = join(folder, 'relays.json');
    await writeFile(path, await list());
    const { relays, message } = await readRelayList(path);
    expect(message).toBe('Two for now.');
    await spoken(new Relays(relays));
  });
});
