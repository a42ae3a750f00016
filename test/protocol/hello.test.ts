import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, EMPTY, fromBase64url, Malformed, toBase64url } from '../../protocol/bytes.ts';
import {
  decodeGrant,
  decodeHello,
  encodeGrant,
  encodeHello,
  type Grant,
  type Hello,
  readOffer,
  VERSION,
} from '../../protocol/carrier/hello.ts';
import {
  BACKEND_CHARS_MAX,
  EARLY_DATA_MAX,
  GRANT_PAYLOAD_LIMITED,
  GRANT_PAYLOAD_MAX,
  GRANT_PAYLOAD_MIN,
  HELLO_MAX,
  HELLO_OVERHEAD,
  HELLO_PAD,
  HELLO_PAD_LIMITED,
  HELLO_PAD_RANDOM,
  INVITE_MAX,
  OFFER_CHARS_MAX,
  SESSION_ID_MAX,
  TOKEN_CHARS,
  TOKEN_TAIL_MAX,
} from '../../protocol/limits.ts';
import { tokenTail } from '../../protocol/permits/token.ts';
import { least, most, random } from '../support/fixtures/open-hello.ts';
import { decodedOrRefused, own, thrown } from './helpers.ts';

const bytes = (maxLength: number, minLength = 0) => fc.uint8Array({ minLength, maxLength }).map(own);
const offset = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const start = {
  time: fc.integer({ min: 0, max: 0xffffffff }).map((seconds) => seconds * 1000),
  limit: offset,
  allowance: fc.oneof(fc.integer({ min: 1, max: 0xffffffff }), fc.constant(Number.POSITIVE_INFINITY)),
  invite: bytes(INVITE_MAX),
};
const open: fc.Arbitrary<Hello> = fc.record({
  kind: fc.constantFrom('open', 'check', 'status'),
  ...start,
  resumable: fc.boolean(),
  backend: fc.string({ unit: 'grapheme-ascii', maxLength: BACKEND_CHARS_MAX }),
  earlyData: bytes(EARLY_DATA_MAX),
});
const resume: fc.Arbitrary<Hello> = fc.record({
  kind: fc.constant('resume'),
  ...start,
  session: bytes(SESSION_ID_MAX),
  carrier: fc.integer({ min: 0, max: 0xffffffff }),
  received: offset,
  mac: bytes(32, 32),
});
const hello = fc.oneof(open, resume);

const LARGEST = {
  kind: 'open',
  time: 0,
  limit: 0,
  resumable: true,
  backend: 'x'.repeat(BACKEND_CHARS_MAX),
  allowance: 0xffffffff,
  invite: new Uint8Array(INVITE_MAX).fill(1),
  earlyData: new Uint8Array(EARLY_DATA_MAX).fill(2),
} as const;

const RESUME = {
  kind: 'resume',
  time: 0,
  limit: 0,
  session: new Uint8Array(SESSION_ID_MAX).fill(3),
  carrier: 1,
  received: 0,
  mac: new Uint8Array(32).fill(4),
  allowance: Number.POSITIVE_INFINITY,
  invite: new Uint8Array(INVITE_MAX).fill(5),
} as const;

/** Without early data, and with a short name. */
const SHORT = {
  backend: 'chat.example.org:5223',
  invite: EMPTY,
  earlyData: EMPTY,
  allowance: Number.POSITIVE_INFINITY,
};

const PAYLOAD_MAX = HELLO_MAX - HELLO_OVERHEAD;

/** Bytes of its fields. */
const sizeOf = (value: Hello) =>
  (value.allowance === Number.POSITIVE_INFINITY ? 0 : 4) +
  (value.kind === 'resume'
    ? 29 + value.session.length + 32 + value.invite.length
    : 20 + Buffer.byteLength(value.backend) + value.invite.length + value.earlyData.length);

describe('hello', () => {
  test('comes back as it went, with zeros behind it', () => {
    fc.assert(
      fc.property(hello, (value) => {
        const payload = encodeHello(value, random);
        expect(decodeHello(payload)).toEqual(value);
        const size = sizeOf(value);
        expect(payload.length).toBeGreaterThanOrEqual(size);
        expect(payload.subarray(size).every((byte) => byte === 0)).toBe(true);
        // Less than all of it is refused, wherever it ends.
        for (let length = 0; length < size; length += 1 + (length >> 5))
          expect(thrown(() => decodeHello(payload.subarray(0, length)))).toBeInstanceOf(Malformed);
        expect(thrown(() => decodeHello(payload.subarray(0, size - 1)))).toBeInstanceOf(Malformed);
        expect(decodeHello(payload.subarray(0, size))).toEqual(value);
      }),
      { numRuns: 200 },
    );
  });

  const lengthsOf = (value: Hello) => [least, most].map((drawn) => encodeHello(value, drawn).length);

  test('its length is random: from a multiple of HELLO_PAD on, and up to one where the path is limited or a session resumed', () => {
    fc.assert(
      fc.property(hello, (value) => {
        const size = sizeOf(value);
        const whole = Math.min(Math.ceil(size / HELLO_PAD) * HELLO_PAD, PAYLOAD_MAX);
        const part = Math.min(Math.ceil(size / HELLO_PAD_LIMITED) * HELLO_PAD_LIMITED, whole);
        const expected =
          value.kind === 'resume'
            ? [size, whole]
            : value.allowance === Number.POSITIVE_INFINITY
              ? [whole, Math.min(whole + HELLO_PAD_RANDOM, PAYLOAD_MAX)]
              : [part, whole];
        expect(lengthsOf(value)).toEqual(expected);
        const { length } = encodeHello(value, random);
        expect(length >= (expected[0] ?? 0) && length <= (expected[1] ?? 0)).toBe(true);
      }),
    );
  });

  test('each length is as likely as the others', () => {
    const lengths = Array.from({ length: 6400 }, () => encodeHello({ ...LARGEST, ...SHORT }, random).length);
    expect(new Set(lengths).size).toBe(HELLO_PAD_RANDOM + 1);
    // 100 of each are expected; six standard deviations are 60.
    for (const length of new Set(lengths)) expect(lengths.filter((one) => one === length).length).toBeLessThan(160);
  });

  test('even the shortest of many says little of the backend and the invite', () => {
    const distinct = (longest: number, allowance: number) =>
      Array.from({ length: longest }, (_, at) =>
        lengthsOf({ ...LARGEST, ...SHORT, backend: 'x'.repeat(at + 1), allowance }).join(),
      );
    expect(new Set(distinct(200, Number.POSITIVE_INFINITY)).size).toBe(1);
    expect(new Set(distinct(HELLO_PAD_LIMITED - 24, 6000)).size).toBe(1);
  });

  test('the largest fits the header, to the character', () => {
    for (const value of [LARGEST, RESUME]) {
      const payload = encodeHello(value, most);
      expect(payload.length + HELLO_OVERHEAD).toBeLessThanOrEqual(HELLO_MAX);
      expect(decodeHello(payload)).toEqual(value);
    }
    const token = 'A'.repeat(TOKEN_CHARS) + tokenTail(most);
    const headerOf = (length: number) => `${token}, ${toBase64url(new Uint8Array(length))}`;
    expect(headerOf(HELLO_MAX).length).toBeLessThanOrEqual(OFFER_CHARS_MAX);
    expect(fromBase64url(readOffer(headerOf(HELLO_MAX))?.hello ?? '')?.length).toBe(HELLO_MAX);
    expect(headerOf(HELLO_MAX + 1).length).toBeGreaterThan(OFFER_CHARS_MAX);
    expect(readOffer(headerOf(HELLO_MAX + 1))).toBeUndefined();
  });

  test('a field past its bound is not sent', () => {
    const wrong: Hello[] = [
      { ...LARGEST, backend: 'x'.repeat(BACKEND_CHARS_MAX + 1) },
      { ...LARGEST, backend: 'é'.repeat(BACKEND_CHARS_MAX / 2 + 1) },
      { ...LARGEST, invite: new Uint8Array(INVITE_MAX + 1) },
      { ...LARGEST, earlyData: new Uint8Array(EARLY_DATA_MAX + 1) },
      { ...RESUME, session: new Uint8Array(SESSION_ID_MAX + 1) },
      { ...RESUME, invite: new Uint8Array(INVITE_MAX + 1) },
    ];
    for (const value of wrong) expect(thrown(() => encodeHello(value, random))).toBeInstanceOf(RangeError);
  });

  test('a length past its bound is Malformed, though the bytes are there', () => {
    const with16 = (value: Hello, at: number, length: number) => {
      const payload = concat(encodeHello(value, least), new Uint8Array(5000));
      new DataView(payload.buffer).setUint16(at, length);
      return payload;
    };
    const bare: Hello = { ...LARGEST, ...SHORT, backend: '' };
    const [backendAt, earlyDataAt] = [16, 18];
    expect(decodeHello(with16(bare, backendAt, BACKEND_CHARS_MAX))).toHaveProperty('kind', 'open');
    expect(thrown(() => decodeHello(with16(bare, backendAt, BACKEND_CHARS_MAX + 1)))).toBeInstanceOf(Malformed);
    expect(decodeHello(with16(bare, earlyDataAt, EARLY_DATA_MAX))).toHaveProperty('kind', 'open');
    expect(thrown(() => decodeHello(with16(bare, earlyDataAt, EARLY_DATA_MAX + 1)))).toBeInstanceOf(Malformed);
    const resumed = encodeHello({ ...RESUME, session: EMPTY, invite: EMPTY }, most);
    const sessionAt = 28;
    resumed[sessionAt] = SESSION_ID_MAX;
    expect(decodeHello(resumed)).toHaveProperty('kind', 'resume');
    resumed[sessionAt] = SESSION_ID_MAX + 1;
    expect(thrown(() => decodeHello(resumed))).toBeInstanceOf(Malformed);
  });

  test('a backend that is not UTF-8, an offset past 2^53 - 1: Malformed', () => {
    const payload = encodeHello(LARGEST, random);
    payload[18 + INVITE_MAX] = 0xff;
    expect(thrown(() => decodeHello(payload))).toBeInstanceOf(Malformed);
    const far = encodeHello(LARGEST, random);
    far.fill(0xff, 8 + INVITE_MAX, 16 + INVITE_MAX);
    expect(thrown(() => decodeHello(far))).toBeInstanceOf(Malformed);
  });

  test('of another version or kind it still tells its time and its invite', () => {
    fc.assert(
      fc.property(hello, fc.nat(255), fc.nat(255), (value, version, kind) => {
        const payload = encodeHello(value, random);
        payload[0] = version;
        const kindAt = 6 + value.invite.length;
        payload[kindAt] = kind;
        if (version === VERSION && kind <= 3) return;
        const { time, invite } = value;
        expect(decodeHello(payload)).toEqual({ kind: 'unknown', time, invite });
        expect(decodeHello(payload.subarray(0, kindAt + 1))).toEqual({ kind: 'unknown', time, invite });
        expect(thrown(() => decodeHello(payload.subarray(0, kindAt)))).toBeInstanceOf(Malformed);
      }),
      { numRuns: 200 },
    );
  });

  test('unknown options are ignored', () => {
    const payload = encodeHello({ ...LARGEST, resumable: false }, random);
    const at = 7 + INVITE_MAX;
    payload[at] = 0xfe;
    expect(decodeHello(payload)).toHaveProperty('resumable', false);
    payload[at] = 0xff;
    expect(decodeHello(payload)).toHaveProperty('resumable', true);
  });

  test('travels in whole seconds', () => {
    expect(decodeHello(encodeHello({ ...LARGEST, time: 1999 }, random))).toHaveProperty('time', 1000);
  });

  test('random bytes are a hello or Malformed', () => {
    fc.assert(
      fc.property(fc.nat(2), fc.nat(2), bytes(400), (version, kind, rest) => {
        const payload = concat(Uint8Array.of(version, 0, 0, 0, 1, kind), rest);
        decodedOrRefused(() => decodeHello(payload), Malformed);
        decodedOrRefused(() => decodeHello(rest), Malformed);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('offer', () => {
  const token = new Uint8Array(12).fill(0xfb);
  const message = new Uint8Array(HELLO_OVERHEAD + 1).fill(0xff);
  const [tokenText, helloText] = [toBase64url(token), toBase64url(message)];

  test('comes back as it went, with any space around its comma', () => {
    fc.assert(
      fc.property(bytes(12, 12), bytes(HELLO_MAX, HELLO_OVERHEAD + 1), (token, message) => {
        const names = [toBase64url(token) + tokenTail(random), toBase64url(message)];
        const expected = { token: names[0], hello: names[1] };
        expect(readOffer(names.join(', '))).toEqual(expected);
        expect(readOffer(names.join(','))).toEqual(expected);
        expect(readOffer(` ${names.join(' ,\t')} `)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    ['nothing', ''],
    ['one subprotocol', tokenText],
    ['only a hello', helloText],
    ['the wrong order', `${helloText}, ${tokenText}`],
    ['three', `${tokenText}, ${helloText}, ${tokenText}`],
    ['an empty third', `${tokenText}, ${helloText},`],
    ['a short token', `${tokenText.slice(1)}, ${helloText}`],
    ['a long token', `${tokenText.padEnd(TOKEN_CHARS + TOKEN_TAIL_MAX + 1, 'A')}, ${helloText}`],
    ['a token that is not base64url', `${tokenText.slice(1)}+, ${helloText}`],
    ['a hello that is not base64url', `${tokenText}, ${helloText}=`],
    ['a hello of no payload', `${tokenText}, ${toBase64url(new Uint8Array(HELLO_OVERHEAD))}`],
    ['ordinary subprotocols', 'graphql-ws, graphql-transport-ws'],
    ['spaces past the bound', `${tokenText},${' '.repeat(OFFER_CHARS_MAX)}${helloText}`],
  ])('is not: %s', (_what, header) => expect(readOffer(header)).toBeUndefined());

  test('its token has a tail of random length', () => {
    expect([tokenTail(least), tokenTail(most)]).toEqual(['', '_'.repeat(TOKEN_TAIL_MAX)]);
    const tails = Array.from({ length: 500 }, () => tokenTail(random));
    for (const tail of tails) expect(tail).toMatch(/^[\w-]*$/);
    expect(new Set(tails.map(({ length }) => length)).size).toBeGreaterThan(TOKEN_TAIL_MAX / 2);
  });

  test('random text is none, and never throws', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(readOffer(text)).toBeUndefined();
      }),
    );
  });
});

test('random lengths take at most 512 bytes of a set-up, with the headers and the ALPN that make it look ordinary', () => {
  const sizes = [least, most].map((drawn) => {
    const message = new Uint8Array(HELLO_OVERHEAD + encodeHello({ ...LARGEST, ...SHORT }, drawn).length);
    return toBase64url(message).length + 2 * tokenTail(drawn).length;
  });
  const headers = 'Pragma: no-cache\r\nCache-Control: no-cache\r\n'.length;
  // Type, length, length of the list, the name with its length; in the ClientHello and in its answer.
  const alpn = 2 * (2 + 2 + 2 + 1 + 'http/1.1'.length);
  // 128 bytes are what a grant had when it had one length.
  const grant = GRANT_PAYLOAD_MAX - 128;
  expect((sizes[1] ?? 0) - (sizes[0] ?? 0) + headers + alpn + grant).toBeLessThanOrEqual(512);
});

describe('grant', () => {
  const grant: fc.Arbitrary<Grant> = fc.oneof(
    fc.record({
      resumable: fc.boolean(),
      received: offset,
      limit: offset,
      patience: fc.nat(0xffff).map((seconds) => seconds * 1000),
      session: bytes(SESSION_ID_MAX),
    }),
    fc.record({ refusal: fc.integer({ min: 1, max: 255 }) }),
  );

  test('comes back as it went, padded with zeros to a random length, from its fields to GRANT_PAYLOAD_MAX', () => {
    fc.assert(
      fc.property(grant, (value) => {
        const payload = encodeGrant(value, Infinity, random);
        expect(decodeGrant(payload)).toEqual(value);
        const size = 'refusal' in value ? 2 : 22 + value.session.length;
        expect(decodeGrant(payload.subarray(0, size))).toEqual(value);
        for (let length = 0; length < size; length++)
          expect(thrown(() => decodeGrant(payload.subarray(0, length)))).toBeInstanceOf(Malformed);
        const longest = concat(payload, new Uint8Array(GRANT_PAYLOAD_MAX - payload.length));
        expect(decodeGrant(longest)).toEqual(value);
        expect(thrown(() => decodeGrant(concat(longest, Uint8Array.of(0))))).toBeInstanceOf(Malformed);
        expect(payload.subarray(size).every((byte) => byte === 0)).toBe(true);
      }),
    );
  });

  test('has the lengths of a refusal, fewer on a path that carries only so much', () => {
    const session = new Uint8Array(SESSION_ID_MAX);
    const granted = { resumable: true, received: 1, limit: 2, patience: 120_000, session };
    for (const value of [granted, { refusal: 1 }]) {
      const lengths = (allowance: number) => [least, most].map((drawn) => encodeGrant(value, allowance, drawn).length);
      expect(lengths(Infinity)).toEqual([GRANT_PAYLOAD_MIN, GRANT_PAYLOAD_MAX]);
      expect(lengths(6000)).toEqual([GRANT_PAYLOAD_MIN, GRANT_PAYLOAD_LIMITED]);
    }
  });

  test('another version, a long session id: Malformed; nor is a long one sent', () => {
    const session = new Uint8Array(SESSION_ID_MAX);
    const granted = { resumable: true, received: 1, limit: 2, patience: 120_000, session };
    for (const version of [0, 2, 255]) {
      const payload = encodeGrant(granted, Infinity, random);
      payload[0] = version;
      expect(thrown(() => decodeGrant(payload))).toBeInstanceOf(Malformed);
    }
    const payload = encodeGrant(granted, Infinity, random);
    payload[21] = SESSION_ID_MAX + 1;
    expect(thrown(() => decodeGrant(payload))).toBeInstanceOf(Malformed);
    const tooLong = new Uint8Array(SESSION_ID_MAX + 1);
    expect(thrown(() => encodeGrant({ ...granted, session: tooLong }, Infinity, random))).toBeInstanceOf(RangeError);
  });

  test('random bytes are a grant or Malformed', () => {
    fc.assert(
      fc.property(fc.nat(2), bytes(140), (version, rest) => {
        decodedOrRefused(() => decodeGrant(concat(Uint8Array.of(version), rest)), Malformed);
        decodedOrRefused(() => decodeGrant(rest), Malformed);
      }),
      { numRuns: 2000 },
    );
  });
});
