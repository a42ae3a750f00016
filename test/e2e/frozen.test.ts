/** A network that lets each connection carry so much, and then freezes it. */
import { once } from 'node:events';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createConnection, type PuenteSocket } from '../../client/node/index.ts';
import type { Fault } from '../lab/connection.ts';
import { freezeAfter } from '../lab/faults.ts';
import { type Middlebox, startMiddlebox } from '../lab/middlebox.ts';
import { KnownBytes, KnownBytesCheck } from '../support/fixtures/bytes.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';
import { until } from '../support/until.ts';

let backend: Backend;
let relay: Relay;
let network: Middlebox;
/** When connections began. */
let begun: number[] = [];
/** What a connection was told on the way up, before anything of it was frozen. */
let upgrades: string[] = [];

const noticed: Fault = () => {
  begun.push(performance.now());
  let isFirst = true;
  return (packet, direction) => {
    if (direction === 'up' && isFirst) upgrades.push(packet.toString('latin1'));
    isFirst = false;
    return undefined;
  };
};

beforeAll(async () => {
  backend = await startBackend(echo);
  relay = await startRelay({ BACKENDS: backend.entry });
});

afterEach(async () => {
  for (const socket of backend.open) socket.destroy();
  await network.close();
});

afterAll(async () => {
  await relay.close();
  await backend.close();
});

/** What is known of a path is kept by the relay's name, which has the port in it: each test has a network of its own. */
async function over(faults: Fault[], path?: { limit?: number; gap?: number }): Promise<() => PuenteSocket> {
  network = await startMiddlebox(Number(new URL(relay.origin).port), [noticed, ...faults]);
  begun = [];
  upgrades = [];
  const link = new URL(relay.link);
  link.port = String(network.port);
  return () => createConnection(backend.address, { relay: link.href, ...(path && { path }) });
}

/** Sends known bytes, and checks what comes back. */
async function echoed(socket: PuenteSocket, length: number): Promise<void> {
  const check = new KnownBytesCheck(1);
  socket.on('data', (bytes: Buffer) => check.feed(bytes));
  socket.write(new KnownBytes(1).next(length));
  await until('it has come back', () => check.length === length, 40_000);
}

const KB = 1000;

it('is crossed by an app that knows the limit, which notices nothing', async () => {
  const open = await over([freezeAfter({ bytes: 9 * KB })], { limit: 6 * KB, gap: 100 });
  const socket = open();
  const told: string[] = [];
  for (const status of ['online', 'reconnecting', 'resumed']) socket.on(status, () => told.push(status));
  await echoed(socket, 60 * KB);
  expect(told).toEqual(['online']);
  // 120 KB cross in all. No connection carries more than 9; each should carry at least half of the 6 that it may.
  expect(network.accepted).toBeGreaterThanOrEqual(120 / 9);
  expect(network.accepted).toBeLessThanOrEqual(120 / 3);
  socket.destroy();
});

it('is learned of from two carriers that froze, and then crossed', { timeout: 60_000 }, async () => {
  const open = await over([freezeAfter({ bytes: 12 * KB })], { gap: 100 });
  const socket = open();
  let interruptions = 0;
  socket.on('reconnecting', (count) => {
    interruptions = count;
  });
  for (let message = 0; message < 150; message += 1) {
    const answer = once(socket, 'data');
    socket.write(Buffer.alloc(300, message));
    expect((await answer)[0]).toEqual(Buffer.alloc(300, message));
  }
  // Two that taught it, and one or two where it tried whether a little more would do.
  expect(interruptions).toBeGreaterThanOrEqual(2);
  expect(interruptions).toBeLessThanOrEqual(5);
  // 90 KB cross in all, and each connection should carry at least a third of the 12 that it can.
  expect(network.accepted).toBeLessThanOrEqual(90 / 4);
  socket.destroy();
});

it('is not taken to freeze where the relay has used its share, and so cannot answer', { timeout: 40_000 }, async () => {
  const open = await over([], { limit: 6 * KB, gap: 400 });
  const sockets = [open(), open()];
  const converse = async (socket: PuenteSocket) => {
    for (let message = 0; message < 60; message += 1) {
      const answer = once(socket, 'data');
      socket.write('and you?');
      await answer;
    }
  };
  await Promise.all(sockets.map(converse));
  // Each carrier that holds makes the next larger; with a limit that shrinks it would be more than twice as many.
  expect(network.accepted).toBeLessThan(30);
  for (const socket of sockets) socket.destroy();
});

it('is met by one handshake at a time, some time apart, whoever asks for it', async () => {
  const gap = 150;
  const open = await over([], { limit: 5 * KB, gap });
  const sockets = [open(), open(), open()];
  await Promise.all(sockets.map((socket) => echoed(socket, 10 * KB)));
  const gaps = begun.slice(1).map((at, index) => at - (begun[index] as number));
  // 60 KB cross in all, and a connection carries little more than the 5 that it may.
  expect(gaps.length).toBeGreaterThanOrEqual(60 / 6 - 1);
  // A connection is seen here some time after the client has begun with it, not always the same time.
  expect(Math.min(...gaps)).toBeGreaterThan(gap - 30);
  for (const socket of sockets) socket.destroy();
});

it('gets no early data, which takes a third more in a hello', async () => {
  const offered = async (path?: { limit: number }) => {
    const open = await over([], path);
    const socket = open();
    tls.connect({ socket, servername: 'chat.example' }).on('error', () => {});
    await once(socket, 'connect');
    socket.destroy();
    return upgrades[0]?.match(/Sec-WebSocket-Protocol: (.*)/i)?.[1]?.length ?? 0;
  };
  expect(await offered()).toBeGreaterThan(700);
  await network.close();
  expect(await offered({ limit: 8 * KB })).toBeLessThan(450);
});

it('does not keep a cut connection from being replaced at once', async () => {
  const open = await over([], { limit: 100 * KB, gap: 5000 });
  const socket = open();
  await echoed(socket, 10);
  const cut = performance.now();
  network.cutAll('rst');
  await once(socket, 'resumed');
  expect(performance.now() - cut).toBeLessThan(2500);
  socket.destroy();
});
