import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, EMPTY } from '../../protocol/bytes.ts';
import { DATA_MAX, PAD_MAX, RECORD_MAX, TAG } from '../../protocol/limits.ts';
import { decodeFrames, encodeFrames, type Frame } from '../../protocol/session/frames.ts';
import { decodedOrRefused, expectCode, fromHex, own, thrown } from './helpers.ts';

const offset = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const id = fc.integer({ min: 0, max: 0xffffffff });
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('data'), offset, bytes: fc.uint8Array({ maxLength: 60 }).map(own) }),
  fc.record({ type: fc.constant('ack'), received: offset, limit: offset }),
  fc.record({ type: fc.constant('fin'), offset }),
  fc.record({ type: fc.constant('reset'), code: fc.nat(255) }),
  fc.record({ type: fc.constantFrom('ping', 'pong'), id }),
  fc.record({ type: fc.constant('pad'), length: fc.nat(PAD_MAX) }),
  fc.record({ type: fc.constant('stop') }),
);

test('frames come back as they went, whatever stands beside them', () => {
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 8 }), fc.nat(7), (frames, shift) => {
      const record = encodeFrames(frames);
      expect(decodeFrames(record)).toEqual(frames);
      const moved = concat(new Uint8Array(shift).fill(0xee), record).subarray(shift);
      expect(decodeFrames(moved)).toEqual(frames);
    }),
  );
});

test('the encoding is that of the table in frames.ts', () => {
  const encoded = (frame: Frame) => Buffer.from(encodeFrames([frame])).toString('hex');
  expect(encoded({ type: 'data', offset: 258, bytes: Uint8Array.of(9, 8) })).toBe('00000000000000010200020908');
  expect(encoded({ type: 'ack', received: 1, limit: 65536 })).toBe('0100000000000000010000000000010000');
  expect(encoded({ type: 'fin', offset: 3 })).toBe('020000000000000003');
  expect(encoded({ type: 'reset', code: 17 })).toBe('0311');
  expect(encoded({ type: 'ping', id: 0xffffffff })).toBe('04ffffffff');
  expect(encoded({ type: 'pong', id: 1 })).toBe('0500000001');
  expect(encoded({ type: 'pad', length: 2 })).toBe('0600020000');
  expect(encoded({ type: 'stop' })).toBe('07');
});

test('every truncation is bad-frame, unless it ends where a frame does', () => {
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), (frames) => {
      const record = encodeFrames(frames);
      const ends = new Map(frames.map((_, index) => [encodeFrames(frames.slice(0, index + 1)).length, index + 1]));
      for (let length = 0; length < record.length; length++) {
        const whole = ends.get(length);
        if (whole) expect(decodeFrames(record.subarray(0, length))).toEqual(frames.slice(0, whole));
        else
          expectCode(
            thrown(() => decodeFrames(record.subarray(0, length))),
            'bad-frame',
          );
      }
    }),
  );
});

describe('bad-frame', () => {
  test('an empty record', () =>
    expectCode(
      thrown(() => decodeFrames(EMPTY)),
      'bad-frame',
    ));

  test('an unknown type, alone or after good frames', () => {
    for (let type = 8; type < 256; type++) {
      const unknown = new Uint8Array(40).fill(0);
      unknown[0] = type;
      expectCode(
        thrown(() => decodeFrames(unknown)),
        'bad-frame',
      );
      const ping = encodeFrames([{ type: 'ping', id: 1 }]);
      expectCode(
        thrown(() => decodeFrames(concat(ping, unknown))),
        'bad-frame',
      );
    }
  });

  test('an offset past 2^53 - 1', () => {
    for (const record of ['0000200000000000000000', '020020000000000000', '01ffffffffffffffff0000000000000000'])
      expectCode(
        thrown(() => decodeFrames(fromHex(record))),
        'bad-frame',
      );
    expect(decodeFrames(fromHex('02001fffffffffffff'))).toEqual([{ type: 'fin', offset: Number.MAX_SAFE_INTEGER }]);
  });

  test('is all that random bytes can give', () => {
    const seen = { good: 0, bad: 0 };
    fc.assert(
      fc.property(fc.nat(8), fc.uint8Array({ maxLength: 80 }).map(own), (type, bytes) => {
        const frames = decodedOrRefused(() => decodeFrames(concat(Uint8Array.of(type), bytes)), 'bad-frame');
        if (frames) expect(frames.length).toBeGreaterThan(0);
        seen[frames ? 'good' : 'bad'] += 1;
      }),
      { numRuns: 3000 },
    );
    expect(seen.good).toBeGreaterThan(20);
    expect(seen.bad).toBeGreaterThan(20);
  });
});

test('DATA is a view into the record, not a copy', () => {
  const record = encodeFrames([{ type: 'data', offset: 0, bytes: new Uint8Array(100) }]);
  const [data] = decodeFrames(record);
  expect(data?.type === 'data' && data.bytes.buffer).toBe(record.buffer);
});

test('a padding holds nothing of the record before it', () => {
  encodeFrames([{ type: 'data', offset: 0, bytes: new Uint8Array(1000).fill(0xee) }]);
  const record = encodeFrames([{ type: 'pad', length: 900 }]);
  expect(record.subarray(3)).toEqual(new Uint8Array(900));
});

test('the fullest record that a session makes fits', () => {
  // DATA_MAX of payload and headers, one header over it, and each small frame once.
  const full: Frame[] = [
    { type: 'ack', received: 0, limit: 0 },
    { type: 'pong', id: 1 },
    { type: 'ping', id: 1 },
    { type: 'data', offset: 0, bytes: new Uint8Array(DATA_MAX) },
    { type: 'fin', offset: DATA_MAX },
    { type: 'stop' },
    { type: 'pad', length: 0 },
  ];
  const record = encodeFrames(full);
  expect(record.length + TAG).toBeLessThanOrEqual(RECORD_MAX);
  expect(decodeFrames(record)).toEqual(full);
});
