/** Writes the parts of an X.509 certificate in DER (ITU-T X.690): each value as tag, length and content. */

type Der = Buffer;

function value(tag: number, ...content: Uint8Array[]): Der {
  const bytes = Buffer.concat(content);
  return Buffer.concat([Buffer.of(tag), length(bytes.length), bytes]);
}

/** The length in one byte, or the number of its bytes and then these bytes (section 8.1.3). */
function length(size: number): Der {
  if (size < 0x80) return Buffer.of(size);
  return size < 0x100 ? Buffer.of(0x81, size) : Buffer.of(0x82, size >> 8, size & 0xff);
}

export const sequence = (...items: Der[]): Der => value(0x30, ...items);
export const set = (...items: Der[]): Der => value(0x31, ...items);
export const boolean = (is: boolean): Der => value(0x01, Buffer.of(is ? 0xff : 0));
export const octets = (bytes: Uint8Array): Der => value(0x04, bytes);
export const bits = (bytes: Uint8Array, unused = 0): Der => value(0x03, Buffer.of(unused), bytes);
export const text = (utf8: string): Der => value(0x0c, Buffer.from(utf8));

/** A number that is not negative: a first bit that is set would make the number negative. */
export function integer(bytes: Uint8Array): Der {
  const from = bytes.findIndex((byte) => byte !== 0);
  const significant = from < 0 ? Buffer.of(0) : bytes.subarray(from);
  const isNegative = (significant[0] ?? 0) >= 0x80;
  return value(0x02, isNegative ? Buffer.concat([Buffer.of(0), significant]) : significant);
}

/** `1.2.840.10045.4.3.2`: the first two numbers in one byte, the others in base 128 (section 8.19). */
export function oid(dotted: string): Der {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number);
  return value(0x06, Buffer.from([first * 40 + second, ...others.flatMap(base128)]));
}

function base128(number: number): number[] {
  const digits = [number & 0x7f];
  for (let rest = number >> 7; rest > 0; rest >>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}

/** A time to the second: UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 section 4.1.2.5). */
export function time(date: Date): Der {
  const digits = `${date.toISOString().replace(/\.\d+|\D/g, '')}Z`;
  return date.getUTCFullYear() < 2050 ? value(0x17, Buffer.from(digits.slice(2))) : value(0x18, Buffer.from(digits));
}

/** `[number]` around another value; or, for simple content, `[number]` in place of the value's tag. */
export const explicit = (number: number, item: Der): Der => value(0xa0 | number, item);
export const implicit = (number: number, content: Uint8Array): Der => value(0x80 | number, content);
