/** What the client masks itself, read by `ws` as a server does it, and looked at on the wire. */
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { dial } from '../../client/node/dial.ts';
import { MASKED_MIN, masked } from '../../client/node/masked.ts';
import type { Wire } from '../../protocol/carrier/carrier.ts';
import { RECORD_MAX } from '../../protocol/limits.ts';
import { KnownBytes } from '../support/fixtures/bytes.ts';
import { type Listening, listen } from '../support/network/listen.ts';
import { until } from '../support/until.ts';

let server: Listening;
let received: Buffer[];
/** Of the server's connection. */
let socket: Duplex;
/** All that the client has sent after its upgrade request. */
let wire: Buffer[];

beforeEach(async () => {
  received = [];
  wire = [];
  const webSockets = new WebSocketServer({ noServer: true });
  webSockets.on('connection', (webSocket) => {
    webSocket.on('message', (data: Buffer, isBinary) => received.push(isBinary ? data : Buffer.from('text')));
    // So that `ws` has something of its own to write between the client's messages.
    for (let at = 0; at < 20; at += 1) webSocket.ping();
  });
  const http = createServer().on('upgrade', (request, accepted, head) => {
    socket = accepted;
    // First and copied: `ws` unmasks in place.
    socket.on('data', (chunk: Buffer) => wire.push(Buffer.from(chunk)));
    webSockets.handleUpgrade(request, socket, head, (webSocket) => webSockets.emit('connection', webSocket));
  });
  server = await listen(http);
});

afterEach(() => server.close());

async function connect(): Promise<Wire> {
  const passed: string[] = [];
  const events = { message: () => {}, closed: () => {}, passed: (stage: string) => void passed.push(stage) };
  const connection = dial(`ws://127.0.0.1:${server.port}/`, [], events, false);
  await until('the WebSocket is open', () => passed.includes('upgrade'));
  return connection;
}

/** Around each change in the form of a header, and of the last word. */
const LENGTHS = [16, 124, 125, MASKED_MIN, 127, 128, 129, 130, 131, 255, 256, 4095, 65_532, 65_533, 65_534, RECORD_MAX];

test('messages of any length arrive whole and in order, between what ws sends itself', async () => {
  const bytes = new KnownBytes(7);
  const messages = Array.from({ length: 10 }, () => LENGTHS.map((length) => bytes.next(length))).flat();
  const connection = await connect();
  for (const message of messages) connection.send(message);
  await until('all have come', () => received.length === messages.length);
  for (const [at, message] of messages.entries()) expect(received[at]?.equals(message), `message ${at}`).toBe(true);
  connection.close();
  for (const { stated, length } of headers(Buffer.concat(wire))) expect(stated === 126).toBe(length > 125);
});

/** Of each frame: the seven bits that state its length, and what that is. A length must not be written longer than it need be. */
function* headers(frames: Buffer): Generator<{ stated: number; length: number }> {
  for (let at = 0; at < frames.length; ) {
    const stated = frames.readUInt8(at + 1) & 0x7f;
    const length = stated === 126 ? frames.readUInt16BE(at + 2) : stated;
    yield { stated, length };
    at += (stated === 126 ? 8 : 6) + length;
  }
}

test('each message has a mask of its own, and none is seen on the wire', async () => {
  const message = new Uint8Array(1000).fill(0x41);
  const before = message.slice();
  const connection = await connect();
  for (let at = 0; at < 2000; at += 1) connection.send(message);
  await until('all have come', () => received.length === 2000);
  connection.close();
  expect(message).toEqual(before);
  const sent = Buffer.concat(wire);
  expect(sent.includes('AAAA')).toBe(false);
  const masks = new Set<number>();
  for (let at = 0; at < 2000; at += 1) masks.add(new DataView(masked(message).buffer).getUint32(4));
  // Of 2,000 random ones two are alike once in two thousand times; three times in none.
  expect(masks.size).toBeGreaterThan(1997);
});

test('what the network does not take at once stays as it was until it does', async () => {
  const bytes = new KnownBytes(8);
  // Far more than the kernel holds for both ends.
  const messages = Array.from({ length: 500 }, () => bytes.next(RECORD_MAX));
  const connection = await connect();
  socket.pause();
  for (const message of messages) connection.send(message);
  await new Promise(setImmediate);
  socket.resume();
  await until('all have come', () => received.length === messages.length);
  connection.close();
  expect(messages.findIndex((message, at) => !received[at]?.equals(message))).toBe(-1);
});
