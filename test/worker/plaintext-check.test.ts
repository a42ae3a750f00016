import { describe, expect, it } from 'vitest';
import { type Bytes, concat, EMPTY, toUtf8 } from '../../protocol/bytes.ts';
import { type Expectation, PlaintextCheck } from '../../worker/admission/plaintext-check.ts';

const CLIENT_HELLO = Uint8Array.of(22, 3, 1, 0, 5, 1, 0, 0, 1, 0);
const WA = toUtf8('WA\x06\x03');
const ROUTED = Uint8Array.of(0x45, 0x44, 0, 1, 9);

/** Everything that goes on, when the bytes come in pieces of this length. */
function passed(expects: Expectation, bytes: Bytes, length: number): Bytes {
  const flight = new PlaintextCheck(expects);
  const parts: Bytes[] = [];
  for (let at = 0; at < bytes.length; at += length) parts.push(flight.pass(bytes.slice(at, at + length)));
  flight.end();
  return concat(...parts);
}

const refused = expect.objectContaining({ code: 'plaintext' });

describe.each<[Expectation, Bytes[], Bytes[]]>([
  [
    'tls',
    [CLIENT_HELLO],
    [
      WA,
      ROUTED,
      toUtf8('GET / HTTP/1.1\r\n\r\n'),
      Uint8Array.of(22, 2, 1, 0, 5, 1),
      Uint8Array.of(22, 3, 1, 0, 5, 2),
      Uint8Array.of(23, 3, 3, 0, 5, 1),
      CLIENT_HELLO.slice(0, 5),
      CLIENT_HELLO.slice(0, 1),
    ],
  ],
  [
    'whatsapp',
    [WA, ROUTED, CLIENT_HELLO],
    [toUtf8('W'), toUtf8('WB'), toUtf8('ED  '), toUtf8('<stream>'), ROUTED.slice(0, 3)],
  ],
  ['any', [WA, ROUTED, CLIENT_HELLO, toUtf8('EHLO'), Uint8Array.of(0)], []],
])('a backend that expects %s', (expects, good, bad) => {
  it.each([1, 2, 3, 100])('gets what it expects, all of it, in pieces of %i', (length) => {
    for (const bytes of good) expect(passed(expects, bytes, length)).toEqual(bytes);
  });

  it.each([1, 2, 3, 100])('gets not a byte of anything else, in pieces of %i', (length) => {
    for (const bytes of bad) {
      const flight = new PlaintextCheck(expects);
      let went = EMPTY;
      expect(() => {
        for (let at = 0; at < bytes.length; at += length)
          went = concat(went, flight.pass(bytes.slice(at, at + length)));
        flight.end();
      }).toThrow(refused);
      expect(went).toEqual(EMPTY);
    }
  });

  it('may be left without a byte, and is not looked at again once it has begun', () => {
    expect(() => new PlaintextCheck(expects).end()).not.toThrow();
    const flight = new PlaintextCheck(expects);
    for (const bytes of good.slice(0, 1)) flight.pass(bytes);
    const later = toUtf8('anything');
    expect(flight.pass(later)).toBe(later);
  });
});
