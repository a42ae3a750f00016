/** A link (section 2): an address, and a word that holds the relay's key and perhaps an invite. */
import { Malformed } from './bytes.ts';

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const VERSION = 1;
const KEY = 32;
const INVITE_MAX = 255;

// BIP 350.
const BECH32M = 0x2bc830a3;
const CHECKSUM = 6;
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** An empty prefix is a zero before the values. */
function polymod(values: number[]): number {
  let sum = 1;
  for (const value of [0, ...values]) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    GENERATOR.forEach((term, bit) => {
      if ((top >>> bit) & 1) sum ^= term;
    });
  }
  return sum >>> 0;
}

/** The six values that make the polymod of all of them the constant. */
export function checksum(values: number[]): number[] {
  const sum = polymod([...values, 0, 0, 0, 0, 0, 0]) ^ BECH32M;
  return Array.from({ length: CHECKSUM }, (_, index) => (sum >>> (5 * (CHECKSUM - 1 - index))) & 31);
}

/** Values of `from` bits as values of `to` bits, high bits first; what is left over at the end is `rest`, of `bits` bits. */
function regroup(values: Iterable<number>, from: number, to: number): { whole: number[]; rest: number; bits: number } {
  const whole: number[] = [];
  let [rest, bits] = [0, 0];
  for (const value of values) {
    rest = (rest << from) | value;
    bits += from;
    for (; bits >= to; bits -= to) whole.push((rest >>> (bits - to)) & ((1 << to) - 1));
    rest &= (1 << bits) - 1;
  }
  return { whole, rest, bits };
}

/** The values of a word before its checksum. */
export function wordValues(key: Buffer, invite: Buffer): number[] {
  const { whole, rest, bits } = regroup(Buffer.concat([key, invite]), 8, 5);
  return [VERSION, ...whole, ...(bits > 0 ? [rest << (5 - bits)] : [])];
}

export function encodeWord(key: Buffer, invite: Buffer): string {
  const values = wordValues(key, invite);
  return [...values, ...checksum(values)].map((value) => ALPHABET[value]).join('');
}

/** @throws Malformed where it does not read */
export function decodeWord(word: string): { key: Buffer; invite: Buffer } {
  const values = Array.from(word.toLowerCase(), (character) => ALPHABET.indexOf(character));
  if (values.includes(-1)) throw new Malformed('a character is not in the alphabet');
  if (polymod(values) !== BECH32M) throw new Malformed('its checksum is wrong');
  if (values[0] !== VERSION) throw new Malformed('its version is unknown');
  const { whole, rest, bits } = regroup(values.slice(1, -CHECKSUM), 5, 8);
  if (bits >= 5 || rest !== 0) throw new Malformed('its last bits are not zero');
  const bytes = Buffer.from(whole);
  if (bytes.length < KEY || bytes.length > KEY + INVITE_MAX) throw new Malformed('its length is wrong');
  return { key: bytes.subarray(0, KEY), invite: bytes.subarray(KEY) };
}

export interface Link {
  /** Ends in `/`. */
  address: string;
  key: Buffer;
  invite: Buffer;
}

export const formatLink = ({ address, key, invite }: Link): string => `${address}#${encodeWord(key, invite)}`;

/** @throws Malformed, also for a bare address */
export function parseLink(link: string): Link {
  const [address = '', word = ''] = link.trim().split('#');
  const url = URL.parse(/^[a-z]+:\/\//i.test(address) ? address : `https://${address}`);
  if (!url) throw new Malformed('it is no address');
  return { address: `${url.origin}${url.pathname.replace(/\/?$/, '/')}`, ...decodeWord(word) };
}
