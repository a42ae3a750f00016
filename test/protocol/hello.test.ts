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
  GRANT_PAYLOAD,
  HELLO_MAX,
  HELLO_OVERHEAD,
  HELLO_PAD,
  INVITE_MAX,
  OFFER_CHARS_MAX,
  SESSION_ID_MAX,
  TOKEN_CHARS,
} from '../../protocol/limits.ts';
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

describe('hello', () => {
  test('comes back as it went, with zeros behind it up to a multiple of HELLO_PAD', () => {
    fc.assert(
      fc.property(hello, (value) => {
        const payload = encodeHello(value);
        expect(decodeHello(payload)).toEqual(value);
        if (payload.length !== HELLO_MAX - HELLO_OVERHEAD) expect(payload.length % HELLO_PAD).toBe(0);
        const size =
          value.kind !== 'resume'
            ? 24 + Buffer.byteLength(value.backend) + value.invite.length + value.earlyData.length
            : 33 + value.session.length + 32 + value.invite.length;
        expect(payload.length - size).toBeGreaterThanOrEqual(0);
        expect(payload.length - size).toBeLessThan(HELLO_PAD);
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

  test('its length says little of the backend and the invite', () => {
    const lengths = new Set<number>();
    for (let length = 1; length <= 200; length++) {
      const value: Hello = { ...LARGEST, backend: 'x'.repeat(length), invite: EMPTY, earlyData: EMPTY };
      lengths.add(encodeHello(value).length);
    }
    expect([...lengths]).toEqual([HELLO_PAD]);
  });

  test('the largest fits the header, to the character', () => {
    for (const value of [LARGEST, RESUME]) {
      const payload = encodeHello(value);
      expect(payload.length + HELLO_OVERHEAD).toBeLessThanOrEqual(HELLO_MAX);
      expect(decodeHello(payload)).toEqual(value);
    }
    const headerOf = (length: number) => `${'A'.repeat(TOKEN_CHARS)}, ${toBase64url(new Uint8Array(length))}`;
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
    for (const value of wrong) expect(thrown(() => encodeHello(value))).toBeInstanceOf(RangeError);
  });

  test('a length past its bound is Malformed, though the bytes are there', () => {
    const with16 = (value: Hello, at: number, length: number) => {
      const payload = concat(encodeHello(value), new Uint8Array(5000));
      new DataView(payload.buffer).setUint16(at, length);
      return payload;
    };
    const bare: Hello = { ...LARGEST, backend: '', invite: EMPTY, earlyData: EMPTY };
    const [backendAt, earlyDataAt] = [20, 22];
    expect(decodeHello(with16(bare, backendAt, BACKEND_CHARS_MAX))).toHaveProperty('kind', 'open');
    expect(thrown(() => decodeHello(with16(bare, backendAt, BACKEND_CHARS_MAX + 1)))).toBeInstanceOf(Malformed);
    expect(decodeHello(with16(bare, earlyDataAt, EARLY_DATA_MAX))).toHaveProperty('kind', 'open');
    expect(thrown(() => decodeHello(with16(bare, earlyDataAt, EARLY_DATA_MAX + 1)))).toBeInstanceOf(Malformed);
    const resumed = encodeHello({ ...RESUME, session: EMPTY, invite: EMPTY });
    const sessionAt = 32;
    resumed[sessionAt] = SESSION_ID_MAX;
    expect(decodeHello(resumed)).toHaveProperty('kind', 'resume');
    resumed[sessionAt] = SESSION_ID_MAX + 1;
    expect(thrown(() => decodeHello(resumed))).toBeInstanceOf(Malformed);
  });

  test('a backend that is not UTF-8, an offset past 2^53 - 1: Malformed', () => {
    const payload = encodeHello(LARGEST);
    payload[22 + INVITE_MAX] = 0xff;
    expect(thrown(() => decodeHello(payload))).toBeInstanceOf(Malformed);
    const far = encodeHello(LARGEST);
    far.fill(0xff, 12 + INVITE_MAX, 20 + INVITE_MAX);
    expect(thrown(() => decodeHello(far))).toBeInstanceOf(Malformed);
  });

  test('of another version or kind it still tells its time and its invite', () => {
    fc.assert(
      fc.property(hello, fc.nat(255), fc.nat(255), (value, version, kind) => {
        const payload = encodeHello(value);
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
    const payload = encodeHello({ ...LARGEST, resumable: false });
    const at = 11 + INVITE_MAX;
    payload[at] = 0xfe;
    expect(decodeHello(payload)).toHaveProperty('resumable', false);
    payload[at] = 0xff;
    expect(decodeHello(payload)).toHaveProperty('resumable', true);
  });

  test('travels in whole seconds', () => {
    expect(decodeHello(encodeHello({ ...LARGEST, time: 1999 }))).toHaveProperty('time', 1000);
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
        const names = [toBase64url(token), toBase64url(message)];
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
    ['a long token', `${tokenText}A, ${helloText}`],
    ['a token that is not base64url', `${tokenText.slice(1)}+, ${helloText}`],
    ['a hello that is not base64url', `${tokenText}, ${helloText}=`],
    ['a hello of no payload', `${tokenText}, ${toBase64url(new Uint8Array(HELLO_OVERHEAD))}`],
    ['ordinary subprotocols', 'graphql-ws, graphql-transport-ws'],
    ['spaces past the bound', `${tokenText},${' '.repeat(OFFER_CHARS_MAX)}${helloText}`],
  ])('is not: %s', (_what, header) => expect(readOffer(header)).toBeUndefined());

  test('random text is none, and never throws', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(readOffer(text)).toBeUndefined();
      }),
    );
  });
});

describe('grant', () => {
  const grant: fc.Arbitrary<Grant> = fc.oneof(
    fc.record({ resumable: fc.boolean(), received: offset, limit: offset, session: bytes(SESSION_ID_MAX) }),
    fc.record({ refusal: fc.integer({ min: 1, max: 255 }) }),
  );

  test('comes back as it went, always of one length', () => {
    fc.assert(
      fc.property(grant, (value) => {
        const payload = encodeGrant(value);
        expect(payload.length).toBe(GRANT_PAYLOAD);
        expect(decodeGrant(payload)).toEqual(value);
        const size = 'refusal' in value ? 2 : 20 + value.session.length;
        for (let length = 0; length < GRANT_PAYLOAD; length++)
          expect(thrown(() => decodeGrant(payload.subarray(0, length)))).toBeInstanceOf(Malformed);
        expect(thrown(() => decodeGrant(concat(payload, Uint8Array.of(0))))).toBeInstanceOf(Malformed);
        expect(payload.subarray(size).every((byte) => byte === 0)).toBe(true);
      }),
    );
  });

  test('another version, a long session id: Malformed; nor is a long one sent', () => {
    const granted = { resumable: true, received: 1, limit: 2, session: new Uint8Array(SESSION_ID_MAX) };
    for (const version of [0, 2, 255]) {
      const payload = encodeGrant(granted);
      payload[0] = version;
      expect(thrown(() => decodeGrant(payload))).toBeInstanceOf(Malformed);
    }
    const payload = encodeGrant(granted);
    payload[19] = SESSION_ID_MAX + 1;
    expect(thrown(() => decodeGrant(payload))).toBeInstanceOf(Malformed);
    const session = new Uint8Array(SESSION_ID_MAX + 1);
    expect(thrown(() => encodeGrant({ ...granted, session }))).toBeInstanceOf(RangeError);
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
