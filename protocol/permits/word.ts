/**
 * The word of a link encodes the bytes after its `#`. It has only letters and digits, so that no shell, mailer or
 * messenger cuts it. It has a checksum, so that a mistyped or shortened word is never taken for another.
 *
 * Each character is five bits, in the alphabet of bech32, in which no two characters look alike. First comes a version,
 * then the bytes with their high bits first, then six characters of bech32m's checksum (BIP 173 and 350) with an empty
 * prefix.
 */
import type { Bytes } from '../bytes.ts';
import { PuenteError } from '../errors.ts';

const VERSION = 1;
const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

const CHECKSUM_CHARS = 6;
/** The checksum of every whole word: bech32m's constant. */
const CHECKSUM_TARGET = 0x2bc830a3;
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

export function encodeWord(bytes: Bytes): string {
  const { groups, left, bits } = regroup(bytes, 8, 5);
  const digits = [VERSION, ...groups, ...(bits > 0 ? [left << (5 - bits)] : [])];
  const checksum = polymod([...digits, ...new Uint8Array(CHECKSUM_CHARS)]) ^ CHECKSUM_TARGET;
  for (let at = CHECKSUM_CHARS - 1; at >= 0; at -= 1) digits.push((checksum >> (5 * at)) & 31);
  return digits.map((digit) => ALPHABET[digit]).join('');
}

/**
 * Reads a word in upper or lower case. Two words never mean the same bytes, unless they differ in case only.
 * @throws PuenteError `link-invalid`
 */
export function decodeWord(word: string): Bytes {
  const digits = Array.from(word.toLowerCase(), (character) => ALPHABET.indexOf(character));
  if (digits.includes(-1) || polymod(digits) !== CHECKSUM_TARGET)
    throw new PuenteError('link-invalid', 'word-mistyped');
  if (digits[0] !== VERSION) throw new PuenteError('link-invalid', 'word-newer');
  const { groups, left, bits } = regroup(digits.slice(1, -CHECKSUM_CHARS), 5, 8);
  if (bits >= 5 || left !== 0) throw new PuenteError('link-invalid', 'word-mistyped');
  return Uint8Array.from(groups);
}

/**
 * Splits groups of `from` bits into groups of `to`. `left` holds the last bits, which are too few for one more group;
 * `bits` is their number.
 */
function regroup(values: Iterable<number>, from: number, to: number): { groups: number[]; left: number; bits: number } {
  const groups: number[] = [];
  let left = 0;
  let bits = 0;
  for (const value of values) {
    left = (left << from) | value;
    for (bits += from; bits >= to; ) {
      bits -= to;
      groups.push(left >> bits);
      left &= (1 << bits) - 1;
    }
  }
  return { groups, left, bits };
}

/** BIP 173's remainder of the digits as a polynomial over GF(32). The 0 before the digits is the empty prefix. */
function polymod(digits: number[]): number {
  let remainder = 1;
  for (const digit of [0, ...digits]) {
    const top = remainder >> 25;
    remainder = ((remainder & 0x1ffffff) << 5) ^ digit;
    for (const [bit, term] of GENERATOR.entries()) if ((top >> bit) & 1) remainder ^= term;
  }
  return remainder;
}
