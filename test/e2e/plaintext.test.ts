/** A backend is spoken to as its entry says, or not at all: the app's first bytes, through the real Worker. */
import { once } from 'node:events';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createConnection } from '../../client/node/index.ts';
import { type Bytes, EMPTY, toUtf8 } from '../../protocol/bytes.ts';
import { resetOf } from '../../protocol/errors.ts';
import type { Frame } from '../../protocol/session/frames.ts';
import { failure } from '../support/failure.ts';
import { makeCertificate } from '../support/fixtures/certificate.ts';
import { openHello, RawClient } from '../support/network/raw-client.ts';
import { type Backend, startBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';
import { until } from '../support/until.ts';

const CLIENT_HELLO = Uint8Array.of(22, 3, 1, 0, 5, 1, 0, 0, 1, 0);
const WHATSAPP = toUtf8('WA\x06\x03 and more');
const PLAIN = toUtf8('<stream to="chat.example.org">');
/** Agrees with TLS up to its last byte. */
const NEARLY = Uint8Array.of(22, 3, 1, 0, 5, 2);

let relay: Relay;
/** All that has reached it. */
let received: Buffer;
const backends: Record<string, Backend> = {};
let secure: tls.Server;
/** Each from a source of its own, as one with so many would be limited. */
let sources = 0;

beforeAll(async () => {
  for (const expects of ['tls', 'whatsapp', 'any'])
    backends[expects] = await startBackend((socket) => {
      socket.on('data', (bytes) => {
        received = Buffer.concat([received, bytes]);
      });
      socket.on('end', () => socket.end());
    });
  secure = tls.createServer(await makeCertificate(), (socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(secure, 'listening');
  const entries = Object.entries(backends).map(([expects, { address }]) => `${expects}://${address}`);
  relay = await startRelay({ BACKENDS: [...entries, secureAddress()].join(' ') });
});

afterAll(async () => {
  await relay.close();
  for (const backend of Object.values(backends)) await backend.close();
  secure.close();
});

afterEach(async () => {
  const all = Object.values(backends);
  await until('the backends are let go', () => all.every(({ open }) => open.size === 0)).finally(() => {
    // One that fails must not fail the next.
    for (const { open } of all) for (const socket of open) socket.destroy();
  });
});

const secureAddress = () => `127.0.0.1:${(secure.address() as { port: number }).port}`;

/** How the app's bytes come: some in the hello, the others in records of a length. */
interface Pieces {
  early: number;
  length: number;
}

const WAYS: [string, Pieces][] = [
  ['at once', { early: 0, length: 1000 }],
  ['in pieces of one byte', { early: 0, length: 1 }],
  ['as early data', { early: 1000, length: 1000 }],
  ['as one byte of early data, and the rest later', { early: 1, length: 1000 }],
  ['as two bytes of early data, and the rest in pieces of one', { early: 2, length: 1 }],
];

/** Says this to a backend and half-closes. */
async function say(to: string, bytes: Bytes, { early, length }: Pieces, resumable: boolean): Promise<RawClient> {
  received = Buffer.alloc(0);
  const earlyData = early > 0 ? bytes.slice(0, early) : EMPTY;
  const hello = openHello(backends[to]?.address ?? '', { resumable, earlyData });
  sources += 1;
  const client = await RawClient.open(relay.link, hello, { 'CF-Connecting-IP': `192.0.2.${sources}` });
  await client.send({ type: 'ack', received: 0, limit: 65_536 });
  for (let offset = earlyData.length; offset < bytes.length; offset += length)
    await client.send({ type: 'data', offset, bytes: bytes.slice(offset, offset + length) });
  await client.send({ type: 'fin', offset: bytes.length });
  return client;
}

const fin = ({ frames }: RawClient) => frames.find((frame) => frame.type === 'fin');
const resetIn = (frames: Frame[]) => frames.flatMap((frame) => (frame.type === 'reset' ? [resetOf(frame.code)] : []));

describe.each([
  ['a plain session', false],
  ['a session of a hub', true],
])('in %s', (_, resumable) => {
  describe.each(WAYS)('bytes that come %s', (_, pieces) => {
    it.each([
      ['tls', PLAIN],
      ['tls', WHATSAPP],
      ['tls', NEARLY],
      ['tls', CLIENT_HELLO.slice(0, 5)],
      ['whatsapp', PLAIN],
      ['whatsapp', NEARLY],
    ])('never reach a backend that expects %s, when they are something else', async (to, bytes) => {
      const client = await say(to, bytes, pieces, resumable);
      await until('it has ended, well or not', () => resetIn(client.frames).length > 0 || fin(client) !== undefined);
      client.close();
      expect(resetIn(client.frames)).toEqual(['plaintext']);
      await until('the backend is let go', () => backends[to]?.open.size === 0);
      expect(received.length).toBe(0);
    });

    it.each([
      ['tls', CLIENT_HELLO],
      ['whatsapp', CLIENT_HELLO],
      ['whatsapp', WHATSAPP],
      ['any', PLAIN],
      ['any', NEARLY],
      ['any', CLIENT_HELLO],
    ])('all reach a backend that expects %s, when they are that', async (to, bytes) => {
      const client = await say(to, bytes, pieces, resumable);
      await until('the backend has ended', () => fin(client) !== undefined);
      await client.send({ type: 'ack', received: 1, limit: 65_536 });
      await client.closed;
      expect(resetIn(client.frames)).toEqual([]);
      expect(received).toEqual(Buffer.from(bytes));
    });
  });
});

it('an app is told why it is not carried', async () => {
  received = Buffer.alloc(0);
  const socket = createConnection(backends.tls?.address ?? '', { relay: relay.link });
  socket.write(PLAIN);
  expect(await failure(socket)).toMatchObject({ code: 'plaintext' });
  expect(received.length).toBe(0);
});

it('an app with TLS of its own is carried', async () => {
  const socket = createConnection(secureAddress(), { relay: relay.link });
  const app = tls.connect({ socket, rejectUnauthorized: false });
  app.write('hello');
  expect(String((await once(app, 'data'))[0])).toBe('hello');
  app.end();
  await once(app, 'close');
});
