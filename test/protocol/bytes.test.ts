import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  concat,
  EMPTY,
  fromBase64url,
  fromUtf8,
  Malformed,
  Reader,
  toBase64url,
  toUtf8,
  Writer,
} from '../../protocol/bytes.ts';
import { own, thrown } from './helpers.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map(own);
const offset = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

test('concat joins in order, into memory of its own', () => {
  fc.assert(
    fc.property(fc.array(bytes(40), { maxLength: 6 }), (parts) => {
      const whole = concat(...parts);
      expect([...whole]).toEqual(parts.flatMap((part) => [...part]));
      expect(parts.some((part) => part.buffer === whole.buffer)).toBe(false);
    }),
  );
});

describe('base64url', () => {
  test('is what Node makes of the same bytes, and back', () => {
    fc.assert(
      fc.property(bytes(200), (value) => {
        const text = toBase64url(value);
        expect(text).toBe(Buffer.from(value).toString('base64url'));
        expect(fromBase64url(text)).toEqual(value);
      }),
    );
  });

  test('has the examples of RFC 4648 section 10', () => {
    for (const [plain, text] of ['', 'f Zg', 'fo Zm8', 'foo Zm9v', 'foob Zm9vYg', 'fooba Zm9vYmE'].map((line) =>
      line.split(' '),
    )) {
      expect(toBase64url(toUtf8(plain ?? ''))).toBe(text ?? '');
      expect(fromBase64url(text ?? '')).toEqual(toUtf8(plain ?? ''));
    }
    expect(toBase64url(Uint8Array.of(0xfb, 0xff))).toBe('-_8');
  });

  test.each([
    'A',
    'AAAAA',
    'Zg==',
    'Zh',
    'Zm9',
    '-_9',
    '+/8',
    'Z',
    'Zm9vY',
    'Zm 9v',
    'Zm9v\n',
    'Zm9v.',
    'Zm9vé',
    '=',
    ' ',
  ])('is not %j', (text) => expect(fromBase64url(text)).toBeUndefined());

  test('has one spelling for the same bytes', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        const value = fromBase64url(text);
        if (value) expect(toBase64url(value)).toBe(text);
      }),
    );
    const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];
    expect(alphabet.filter((last) => fromBase64url(`A${last}`)).length).toBe(4);
    expect(alphabet.filter((last) => fromBase64url(`AA${last}`)).length).toBe(16);
    expect(alphabet.filter((last) => fromBase64url(`AAA${last}`)).length).toBe(64);
  });
});

describe('Reader and Writer', () => {
  const fields = fc.tuple(fc.nat(0xff), fc.nat(0xffff), fc.integer({ min: 0, max: 0xffffffff }), offset, bytes(30));

  test('are inverse, big-endian, wherever the bytes lie', () => {
    fc.assert(
      fc.property(fields, fc.nat(9), ([u8, u16, u32, u64, tail], shift) => {
        const written = new Writer(new Uint8Array(20 + tail.length))
          .u8(u8)
          .u16(u16)
          .u32(u32)
          .u64(u64)
          .zeros(2)
          .put(tail).bytes;
        const hex = [u8.toString(16).padStart(2, '0'), u16.toString(16).padStart(4, '0')];
        hex.push(u32.toString(16).padStart(8, '0'), u64.toString(16).padStart(16, '0'), '0000');
        expect(Buffer.from(written).toString('hex')).toBe(hex.join('') + Buffer.from(tail).toString('hex'));
        const moved = concat(new Uint8Array(shift).fill(0xee), written).subarray(shift);
        const reader = new Reader(moved);
        expect([reader.u8(), reader.u16(), reader.u32(), reader.u64()]).toEqual([u8, u16, u32, u64]);
        expect(reader.remaining).toBe(2 + tail.length);
        reader.take(2);
        expect(reader.take(tail.length)).toEqual(tail);
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  test('every read past the end is Malformed, and takes nothing', () => {
    const reads: [size: number, read: (reader: Reader) => unknown][] = [
      [1, (reader) => reader.u8()],
      [2, (reader) => reader.u16()],
      [4, (reader) => reader.u32()],
      [8, (reader) => reader.u64()],
      [5, (reader) => reader.take(5)],
    ];
    for (const [size, read] of reads) {
      for (let length = 0; length < size; length++) {
        // The bytes behind the message are another's.
        const reader = new Reader(new Uint8Array(32).subarray(3, 3 + length));
        expect(thrown(() => read(reader))).toBeInstanceOf(Malformed);
        expect(reader.remaining).toBe(length);
      }
      read(new Reader(new Uint8Array(size)));
    }
  });

  test('an offset is exact or Malformed', () => {
    const read = (value: bigint) => {
      const raw = new Uint8Array(8);
      new DataView(raw.buffer).setBigUint64(0, value);
      return new Reader(raw).u64();
    };
    expect(read(2n ** 53n - 1n)).toBe(Number.MAX_SAFE_INTEGER);
    for (const value of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])
      expect(thrown(() => read(value))).toBeInstanceOf(Malformed);
  });

  test('a field with its length is inverse, within its bound, and ends with the message', () => {
    fc.assert(
      fc.property(bytes(300), (field) => {
        const memory = new Uint8Array(2 + field.length);
        const writer = new Writer(memory);
        if (field.length <= 255) {
          const written = writer.sized8(field, field.length).bytes;
          expect(written).toEqual(concat(Uint8Array.of(field.length), field));
          expect(new Reader(written).sized8(field.length)).toEqual(field);
        }
        const written = new Writer(memory).sized16(field, field.length).bytes;
        expect(new Reader(written).sized16(field.length)).toEqual(field);
        expect(thrown(() => new Reader(written.subarray(0, -1)).sized16())).toBeInstanceOf(Malformed);
        if (field.length === 0) return;
        expect(thrown(() => new Reader(written).sized16(field.length - 1))).toBeInstanceOf(Malformed);
        expect(thrown(() => new Writer(memory).sized16(field, field.length - 1))).toBeInstanceOf(RangeError);
        expect(thrown(() => new Writer(memory).sized8(field, field.length - 1))).toBeInstanceOf(RangeError);
      }),
    );
  });

  test('take is a view', () => {
    const whole = Uint8Array.of(1, 2, 3);
    expect(new Reader(whole).take(2).buffer).toBe(whole.buffer);
  });

  test('text is UTF-8 or Malformed, a byte order mark kept', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const encoded = toUtf8(text);
        expect(fromUtf8(encoded)).toBe(text);
      }),
    );
    expect(fromUtf8(toUtf8('\ufeffa'))).toBe('\ufeffa');
    for (const wrong of [[0xff], [0xc0, 0x80], [0xe2, 0x82], [0xed, 0xa0, 0x80]])
      expect(thrown(() => fromUtf8(Uint8Array.from(wrong)))).toBeInstanceOf(Malformed);
  });
});

test('EMPTY is empty', () => expect(EMPTY.length).toBe(0));
