/** Peers that break the rules, at plain sessions and at those of a hub: each gets its code, and nobody else notices. */
import type net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { createConnection } from '../../client/node/index.ts';
import { toBase64url } from '../../protocol/bytes.ts';
import { type Code, resetOf, toWire } from '../../protocol/errors.ts';
import { WINDOW_INITIAL, WINDOW_MAX } from '../../protocol/limits.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import type { Frame } from '../../protocol/session/frames.ts';
import { makeCertificate } from '../support/fixtures/certificate.ts';
import { openHello, RawClient, random } from '../support/network/raw-client.ts';
import { residentBytes } from '../support/proc.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { serve as serveWorker, type Workerd } from '../support/servers/workerd.ts';
import { until } from '../support/until.ts';

const KEY = random(32);
const MiB = 1024 * 1024;

let backend: Backend;
let relay: Workerd;
let link: string;
let serve: (socket: net.Socket) => void;
/** Clients that say nothing after the grant, a plain session's and a hub's, and their own backend. */
let silent: RawClient[];
let unheard: Backend;

beforeAll(async () => {
  backend = await startBackend((socket) => serve(socket));
  unheard = await startBackend(echo);
  const vars = { RELAY_KEY: toBase64url(KEY), BACKENDS: `${backend.entry} ${unheard.entry}` };
  relay = await serveWorker(inject('worker'), vars, await makeCertificate());
  link = formatLink({ url: `http://127.0.0.1:${relay.port}/`, key: await nodeCipher.publicKey(KEY) });
  // They take ten seconds to end, while the other tests go on.
  silent = await Promise.all(
    [false, true].map((resumable) => RawClient.open(link, openHello(unheard.address, { resumable }))),
  );
});

afterAll(async () => {
  await relay.stop();
  await backend.close();
  await unheard.close();
});

// One that fails must not fail the next.
afterEach(() => {
  for (const socket of backend.open) socket.destroy();
});

const data = (offset: number, length: number): Frame => ({ type: 'data', offset, bytes: new Uint8Array(length) });
const ack = (received: number): Frame => ({ type: 'ack', received, limit: received + 65_536 });

const aborted: Frame = { type: 'reset', code: toWire('aborted') };

const breaches: [string, Code, (client: RawClient) => unknown][] = [
  ['sends a record that does not open', 'bad-record', (client) => client.sendRaw(new Uint8Array(100))],
  ['sends text', 'bad-record', (client) => client.sendRaw('hello')],
  ['sends a record that is too long', 'bad-record', (client) => client.sendRaw(new Uint8Array(70_000))],
  ['sends a frame of no known type', 'bad-frame', (client) => client.sendPlaintext(Uint8Array.of(99))],
  ['sends an empty record', 'bad-frame', (client) => client.sendPlaintext(new Uint8Array(0))],
  ['leaves a gap', 'bad-offset', (client) => client.send(data(1, 10))],
  ['acknowledges what was not sent', 'bad-offset', (client) => client.send(ack(1))],
  ['overruns its credit', 'bad-credit', (client) => client.send(data(65_500, 37))],
  ['goes on after its end', 'bad-offset', (client) => client.send({ type: 'fin', offset: 0 }, data(0, 1))],
  [
    'ends twice, in two places',
    'bad-offset',
    (client) => client.send({ type: 'fin', offset: 0 }, { type: 'fin', offset: 1 }),
  ],
];

describe.each([
  ['a plain session', false],
  ['a session in a hub', true],
])('%s', (_, resumable) => {
  const ask = () => RawClient.open(link, openHello(backend.address, { resumable }));

  it.each(breaches)('whose client %s ends with %s', async (_, code, breach) => {
    // Never reads: what is not written to it uses up credit.
    serve = (socket) => socket.on('end', () => socket.end()).resume();
    const client = await ask();
    await breach(client);
    await client.closed;
    const reset = client.frames.find((frame) => frame.type === 'reset');
    expect(reset && resetOf(reset.code)).toBe(code);
    await until('the backend connection is closed', () => backend.open.size === 0);
  });

  // What a peer may send without end: it costs it as much as it costs the relay, which must hold none of it.
  const floods: [string, (client: RawClient, round: number) => Promise<void>][] = [
    ['10,000 records of one byte', (client, round) => client.send(data(round, 1))],
    ['10,000 empty records of DATA', (client) => client.send(data(0, 0))],
    ['10,000 records that ask for an answer', (client, round) => client.send({ type: 'ping', id: round })],
    ['10,000 records of old news', (client) => client.send(ack(0))],
    [
      '10,000 frames in each of many records',
      async (client, round) => {
        if (round % 200 === 0) await client.send(...Array.from({ length: 5000 }, () => data(0, 0)));
      },
    ],
    [
      '150 MiB of PAD',
      async (client, round) => {
        if (round % 4 === 0) await client.send({ type: 'pad', length: 64_000 });
      },
    ],
  ];

  it.each(floods)('is flooded with %s: the relay holds nothing of it, and others go on', async (_, flood) => {
    serve = echo;
    const [client, other] = [await ask(), createConnection(backend.address, { relay: link })];
    let heard = '';
    other.on('data', (bytes: Buffer) => {
      heard += bytes;
    });
    other.write('first');
    await until('the other has an answer', () => heard === 'first');
    const before = residentBytes(relay.pid);
    await client.send(ack(0));
    for (let round = 0; round < 10_000; round += 1) {
      await flood(client, round);
      // As fast as its socket takes it, and no faster: what waits here is not at the relay.
      if (round % 100 === 0) await client.flushed();
    }
    other.write('second');
    await until('the other has an answer again', () => heard === 'firstsecond', 20_000);
    // Garbage that V8 has not collected yet, and one window.
    expect(residentBytes(relay.pid) - before).toBeLessThan(64 * MiB);
    other.destroy();
    await client.send(aborted);
    await until('the backend connections are closed', () => backend.open.size === 0);
  });

  it('whose client never acknowledges gets one window, and holds up nobody', async () => {
    let offered = 0;
    serve = (socket) => {
      const pump = () => {
        do offered += 65_536;
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
        socket.once('drain', pump);
      };
      pump();
    };
    const client = await RawClient.open(link, openHello(backend.address, { resumable, limit: 2 ** 50 }));
    await client.send({ type: 'ack', received: 0, limit: 2 ** 50 });
    const received = () =>
      client.frames.reduce((sum, frame) => sum + (frame.type === 'data' ? frame.bytes.length : 0), 0);
    await until('the window is full', () => received() >= WINDOW_INITIAL);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(received()).toBeLessThanOrEqual(WINDOW_MAX);
    expect(offered).toBeGreaterThan(received());
    await client.send(aborted);
    await until('the backend connection is closed', () => backend.open.size === 0);
  });
});

it('a session of either kind whose client says nothing after the grant ends with silent after 10 s', async () => {
  expect(silent.map(({ grant }) => 'resumable' in grant && grant.resumable)).toEqual([false, true]);
  for (const { closed, frames } of silent) {
    await closed;
    expect(frames).toContainEqual({ type: 'reset', code: 24 });
  }
  await until('the backend connections are closed', () => unheard.open.size === 0);
  expect(unheard.accepted).toBe(2);
});

it('a resume from beyond what was sent, or from before what is kept, ends the session with bad-offset', async () => {
  serve = echo;
  for (const received of [99, 0]) {
    const client = await RawClient.open(link, openHello(backend.address, { resumable: true }));
    await client.send(ack(0), data(0, 9));
    await until('the echo', () => client.frames.some(({ type }) => type === 'data'));
    await client.send(ack(9), { type: 'ping', id: 1 });
    await until('the relay has forgotten them', () => client.frames.some(({ type }) => type === 'pong'));
    const next = await client.resume(link, 1, { received, limit: 65_536 });
    await next.send(ack(received));
    if (received === 99) {
      await next.closed;
      expect(next.frames).toContainEqual({ type: 'reset', code: 21 });
    } else {
      // It was acknowledged once: the relay goes on from there, whatever a carrier's hello says.
      await next.send({ type: 'ping', id: 2 });
      await until('it is alive', () => next.frames.some((frame) => frame.type === 'pong' && frame.id === 2));
      expect(next.frames.some(({ type }) => type === 'data')).toBe(false);
      next.close();
    }
    for (const socket of backend.open) socket.destroy();
  }
});
