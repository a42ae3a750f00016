import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Bytes, EMPTY } from '../../protocol/bytes.ts';
import { PuenteError } from '../../protocol/errors.ts';
import { decodeWord, encodeWord } from '../../protocol/permits/word.ts';
import { own, thrown } from './helpers.ts';

// --- the same by long division ------------------------------------------------------------------------------------

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/** In GF(32), whose element 2 is a root of x^5 + x^3 + 1 (BIP 173). */
function times(one: number, other: number): number {
  let product = 0;
  for (let bit = 4; bit >= 0; bit -= 1) {
    product *= 2;
    if (product > 31) product ^= 0b101001;
    if ((other >> bit) & 1) product ^= one;
  }
  return product;
}

/** x^6 + 29x^5 + 22x^4 + 20x^3 + 21x^2 + 29x + 18, BIP 173's generator. */
const DIVISOR = [1, 29, 22, 20, 21, 29, 18];

/** What is left of a polynomial, its highest coefficient first. */
function remainder(polynomial: number[]): number[] {
  const rest = [...polynomial];
  for (let at = 0; at < rest.length - 6; at += 1) {
    const factor = rest[at] as number;
    for (const [offset, term] of DIVISOR.entries()) rest[at + offset] = (rest[at + offset] ?? 0) ^ times(factor, term);
  }
  return rest.slice(-6);
}

/** 0x2bc830a3, BIP 350's constant, as six digits. */
const CONSTANT = [21, 28, 16, 12, 5, 3];

function withChecksum(digits: number[], prefix: number[] = [0]): string {
  const rest = remainder([1, ...prefix, ...digits, 0, 0, 0, 0, 0, 0]);
  const checksum = rest.map((digit, at) => digit ^ (CONSTANT[at] as number));
  return [...digits, ...checksum].map((digit) => ALPHABET[digit]).join('');
}

function inFives(bytes: Bytes): number[] {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((group) => Number.parseInt(group.padEnd(5, '0'), 2));
}

test.each([
  'a1lqfn3a',
  'abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx',
  'split1checkupstagehandshakeupstreamerranterredcaperredlc445v',
  '?1v759aa',
  // Invalid for their empty prefix alone.
  '16plkw9',
  '1p2gdwpf',
])('the long division gives the checksum of BIP 350’s %s', (text) => {
  const [, prefix = '', data = ''] = /^(.*)1([^1]+)$/.exec(text) ?? [];
  const letters = Array.from(prefix, (letter) => letter.charCodeAt(0));
  const expanded = [...letters.map((letter) => letter >> 5), 0, ...letters.map((letter) => letter & 31)];
  const digits = Array.from(data, (character) => ALPHABET.indexOf(character));
  expect(withChecksum(digits.slice(0, -6), expanded)).toBe(data);
});

// --- words --------------------------------------------------------------------------------------------------------

const someBytes = fc.uint8Array({ maxLength: 287 }).map(own);

test('a word of nothing is a published one', () => {
  expect(encodeWord(EMPTY)).toBe('p2gdwpf');
});

test('every word is what the long division makes of the bytes', () => {
  fc.assert(
    fc.property(someBytes, (bytes) => {
      expect(encodeWord(bytes)).toBe(withChecksum([1, ...inFives(bytes)]));
    }),
  );
});

test('a word is read in upper, lower and mixed case', () => {
  fc.assert(
    fc.property(someBytes, fc.infiniteStream(fc.boolean()), (bytes, isUpper) => {
      const word = encodeWord(bytes);
      const mixed = Array.from(word, (letter) => (isUpper.next().value ? letter.toUpperCase() : letter)).join('');
      for (const text of [word, word.toUpperCase(), mixed]) expect(decodeWord(text)).toEqual(bytes);
    }),
  );
});

// --- mistakes -----------------------------------------------------------------------------------------------------

const refusal = (word: string): string => {
  const error = thrown(() => decodeWord(word));
  return error instanceof PuenteError ? error.message : String(error);
};
const MISTYPED = new PuenteError('link-invalid', 'word-mistyped').message;

const KEY = Uint8Array.from({ length: 32 }, (_, index) => 7 * index);
const INVITE = Uint8Array.from({ length: 46 }, (_, index) => 5 * index);

describe.each([
  ['without an invite', KEY],
  ['with one', Uint8Array.from([...KEY, ...INVITE])],
])('of a word %s', (_, bytes) => {
  const word = encodeWord(bytes);
  const places = Array.from(word, (_, at) => at);
  const refused = (texts: string[]) => expect(texts.filter((text) => refusal(text) !== MISTYPED)).toEqual([]);
  const characters = [...ALPHABET, 'b', 'i', 'o', '1', '-', ' '];

  test('every other character in one place is refused', () => {
    const others = (at: number) => characters.filter((character) => character !== word[at]);
    refused(places.flatMap((at) => others(at).map((other) => word.slice(0, at) + other + word.slice(at + 1))));
  });

  test('every swap of neighbours is refused', () => {
    const swapped = (at: number) => word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2);
    refused(places.filter((at) => at > 0 && word[at - 1] !== word[at]).map((at) => swapped(at - 1)));
  });

  test('every beginning and every end of it is refused', () => {
    refused(places.flatMap((at) => [word.slice(0, at), ...(at > 0 ? [word.slice(at)] : [])]));
  });

  test('a character too many or too few is refused in every place', () => {
    refused(places.map((at) => word.slice(0, at) + word.slice(at + 1)));
    refused(
      [...places, word.length].flatMap((at) => characters.map((one) => word.slice(0, at) + one + word.slice(at))),
    );
  });
});

test('bits that belong to no byte are refused, with a good checksum: no bytes have two words', () => {
  const digits = [1, ...inFives(KEY)];
  for (let unused = 1; unused < 16; unused += 1)
    expect(refusal(withChecksum([...digits.slice(0, -1), (digits.at(-1) as number) | unused]))).toBe(MISTYPED);
  // 30 bytes are 48 digits, and one more is too few for a byte.
  expect(refusal(withChecksum([1, ...inFives(KEY.slice(0, 30)), 0]))).toBe(MISTYPED);
});

test('another version is told from a mistake', () => {
  for (let version = 0; version < 32; version += 1)
    if (version !== 1)
      expect(refusal(withChecksum([version, ...inFives(KEY)]))).toBe(
        new PuenteError('link-invalid', 'word-newer').message,
      );
});
