/** Early data: which first flights may be sent before the relay has answered. */
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Bytes, concat, toUtf8 } from '../../protocol/bytes.ts';
import { isRepeatable } from '../../protocol/early-data.ts';
import { EARLY_DATA_MAX } from '../../protocol/limits.ts';
import { own } from './helpers.ts';

const RECORD_HEADER = 5;

/** What Node's TLS writes first. */
function captureClientHello(): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        resolve(Uint8Array.from(chunk));
        done();
      },
    });
    connect({ socket: wire, servername: 'chat.example', ALPNProtocols: ['xmpp-client'] }).on('error', reject);
  });
}

let clientHello: Bytes;
let message: Bytes;

beforeAll(async () => {
  clientHello = await captureClientHello();
  message = clientHello.slice(RECORD_HEADER);
});

function record(content: Bytes, type = 22, major = 3): Bytes {
  return concat(Uint8Array.of(type, major, 1, content.length >> 8, content.length & 255), content);
}

/** The ClientHello with another extension at the end of its list. */
function withExtension(type: number, body: Bytes): Bytes {
  const view = new DataView(message.buffer);
  let at = 4 + 2 + 32;
  at += 1 + view.getUint8(at);
  at += 2 + view.getUint16(at);
  at += 1 + view.getUint8(at);
  const extensions = view.getUint16(at);
  expect(at + 2 + extensions).toBe(message.length);
  const added = concat(Uint8Array.of(type >> 8, type & 255, body.length >> 8, body.length & 255), body);
  const longer = concat(message, added);
  const change = new DataView(longer.buffer);
  change.setUint16(at, extensions + added.length);
  change.setUint8(1, 0);
  change.setUint16(2, longer.length - 4);
  return record(longer);
}

describe('a TLS ClientHello', () => {
  test('as Node writes it, fits and may be repeated', () => {
    expect(clientHello[0]).toBe(22);
    expect(clientHello.length).toBeLessThanOrEqual(EARLY_DATA_MAX);
    expect(isRepeatable(clientHello)).toBe(true);
  });

  test('split over several records, anywhere', () => {
    for (let at = 0; at <= message.length; at++)
      expect(isRepeatable(concat(record(message.slice(0, at)), record(message.slice(at))))).toBe(true);
    const pieces = Array.from({ length: Math.ceil(message.length / 7) }, (_, n) => message.slice(7 * n, 7 * n + 7));
    expect(isRepeatable(concat(...pieces.map((piece) => record(piece))))).toBe(true);
  });

  test('not with early_data; with any other extension', () => {
    expect(isRepeatable(withExtension(42, new Uint8Array(0)))).toBe(false);
    expect(isRepeatable(withExtension(42, new Uint8Array(4)))).toBe(false);
    expect(isRepeatable(withExtension(0x2a2a, new Uint8Array(1)))).toBe(true);
    expect(isRepeatable(withExtension(41, new Uint8Array(42)))).toBe(true);
    // Forty-two in an extension's body is no extension.
    expect(isRepeatable(withExtension(21, Uint8Array.of(0, 42, 0, 0)))).toBe(true);
  });

  test('not cut short, at any byte', () => {
    for (let length = 0; length < clientHello.length; length++)
      expect(isRepeatable(clientHello.slice(0, length))).toBe(false);
    for (let length = 0; length < message.length; length++)
      expect(isRepeatable(record(message.slice(0, length)))).toBe(false);
  });

  test('not with anything after it', () => {
    expect(isRepeatable(concat(clientHello, Uint8Array.of(0)))).toBe(false);
    expect(isRepeatable(concat(clientHello, clientHello))).toBe(false);
    expect(isRepeatable(record(concat(message, Uint8Array.of(0))))).toBe(false);
    expect(isRepeatable(concat(clientHello, record(toUtf8('early'), 23)))).toBe(false);
    expect(isRepeatable(concat(clientHello, record(Uint8Array.of(1), 20)))).toBe(false);
  });

  test('not another message, record type or protocol', () => {
    const other = message.slice();
    other[0] = 2;
    expect(isRepeatable(record(other))).toBe(false);
    for (const type of [0, 20, 21, 23, 24]) expect(isRepeatable(record(message, type))).toBe(false);
    expect(isRepeatable(record(message, 22, 2))).toBe(false);
    expect(isRepeatable(message)).toBe(false);
  });

  test('not with an inner length that does not add up', () => {
    for (const at of [1, 2, 3, 38]) {
      const wrong = message.slice();
      wrong[at] = (wrong[at] ?? 0) ^ 1;
      expect(isRepeatable(record(wrong))).toBe(false);
    }
  });
});

describe('WhatsApp', () => {
  test.each([
    ['WA and a version', [0x57, 0x41, 6, 3], true],
    ['WA and part of a version', [0x57, 0x41, 6], true],
    ['WA alone', [0x57, 0x41], false],
    ['W', [0x57], false],
    ['WB', [0x57, 0x42, 6, 3], false],
    ['routing info', [0x45, 0x44, 0, 1, 0, 0, 4, 8, 8], true],
    ['routing info of another version', [0x45, 0x44, 0, 2, 0, 0, 4], false],
    ['routing info cut short', [0x45, 0x44, 0], false],
    ['ED in a text', [0x45, 0x44, 0x49, 0x54], false],
  ])('%s', (_what, flight, repeatable) => expect(isRepeatable(Uint8Array.from(flight))).toBe(repeatable));
});

test.each([
  ['', false],
  ['GET / HTTP/1.1\r\n\r\n', false],
  ['<?xml version="1.0"?>', false],
  ['EHLO a\r\n', false],
])('text is not to be repeated: %j', (text, repeatable) => expect(isRepeatable(toUtf8(text))).toBe(repeatable));

test('random bytes are not, and never throw', () => {
  const start = fc.constantFrom([], [22], [22, 3, 1], [22, 3, 1, 0, 20, 1, 0, 0, 16]);
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 100 }).map(own), (first, rest) => {
      const flight = concat(Uint8Array.from(first), rest);
      if (first.length > 0) expect(isRepeatable(flight)).toBe(false);
      else isRepeatable(flight);
    }),
    { numRuns: 2000 },
  );
});
