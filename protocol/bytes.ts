/** Bytes that own an ordinary ArrayBuffer: what WebCrypto and WebSocket accept. */
export type Bytes = Uint8Array<ArrayBuffer>;

export const EMPTY: Bytes = new Uint8Array(0);

export function concat(...parts: Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Compares in a time that depends on the lengths alone. */
export function equal(one: Bytes, other: Bytes): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at += 1) difference |= (one[at] as number) ^ (other[at] ?? 0);
  return difference === 0;
}

/** The bytes of a WebSocket message: an ArrayBuffer, or a view in Node. `undefined` for a message that is not bytes. */
export function bytesOf(message: unknown): Bytes | undefined {
  if (message instanceof ArrayBuffer) return new Uint8Array(message);
  return message instanceof Uint8Array ? (message as Bytes) : undefined;
}

/** Free no memory smaller than this, in bytes: that costs more than it saves. */
const FREED_MIN = 4096;

/**
 * Frees memory that nobody will read again, when the bytes fill the whole buffer. Where records of 64 KiB come by the
 * thousand, this keeps the memory in the processor's cache and the garbage collector idle. Runtimes without `transfer`
 * leave the memory to the garbage collector.
 */
export function free({ length, buffer }: Bytes): void {
  if (length >= FREED_MIN && length === buffer.byteLength) buffer.transfer?.(0);
}

/** Returns `length` random bytes. The function is passed in, so that a test can fix the bytes. */
export type RandomBytes = (length: number) => Bytes;

/**
 * A random whole number from `least` to `most`, both included. Of n numbers, no number is likelier than another by more
 * than n / 2^32.
 */
export function evenly(random: RandomBytes, least: number, most: number): number {
  const fraction = new Reader(random(4)).u32() / U32;
  return least + Math.floor(fraction * (most - least + 1));
}

// --- base64url, RFC 4648 section 5, without padding ---------------------------------------------------------------
// By hand, since `atob` knows only the other alphabet. To translate a hello of 900 characters for it takes workerd 12
// to 20 us; this code decodes the hello in 4.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES: (number | undefined)[] = [];
for (let value = 0; value < ALPHABET.length; value += 1) VALUES[ALPHABET.charCodeAt(value)] = value;

export function toBase64url(bytes: Bytes): string {
  let text = '';
  let pending = 0;
  let bits = 0;
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0xffff;
    for (bits += 8; bits >= 6; bits -= 6) text += ALPHABET[(pending >> (bits - 6)) & 63];
  }
  return bits === 0 ? text : text + ALPHABET[(pending << (6 - bits)) & 63];
}

/**
 * The bytes of canonical text; `undefined` for anything else. Two texts never decode to the same bytes. Otherwise a
 * hello would have several spellings.
 */
export function fromBase64url(text: string): Bytes | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let length = 0;
  let pending = 0;
  let bits = 0;
  for (let at = 0; at < text.length; at += 1) {
    const value = VALUES[text.charCodeAt(at)];
    if (value === undefined) return undefined;
    pending = ((pending << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[length++] = pending >> bits;
  }
  const unused = pending & ((1 << bits) - 1);
  return bits < 6 && unused === 0 ? bytes : undefined;
}

const utf8Encoder = new TextEncoder();

export function toUtf8(text: string): Bytes {
  return utf8Encoder.encode(text);
}

/** @throws Malformed */
export function fromUtf8(bytes: Bytes): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Malformed();
  }
}

/** Thrown by {@link Reader} when the bytes end early or hold a value out of range. */
export class Malformed extends Error {}

// Not BigInt, which costs an object for each number, and not a DataView for each record: offsets are read and written
// for every frame.
const U32 = 2 ** 32;

/** Reads big-endian fields from the front of a message; throws {@link Malformed}. */
export class Reader {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #integer(length: number): number {
    if (length > this.remaining) throw new Malformed();
    let value = 0;
    for (const end = this.#at + length; this.#at < end; this.#at += 1)
      value = value * 2 ** 8 + (this.#bytes[this.#at] as number);
    return value;
  }

  u8(): number {
    return this.#integer(1);
  }

  u16(): number {
    return this.#integer(2);
  }

  u32(): number {
    return this.#integer(4);
  }

  /** An unsigned 64-bit value up to 2^53 - 1, the largest of JavaScript's exact integers: 8 PiB of stream. */
  u64(): number {
    const value = this.#integer(8);
    if (!Number.isSafeInteger(value)) throw new Malformed();
    return value;
  }

  /** A view, not a copy. */
  take(length: number): Bytes {
    if (length > this.remaining) throw new Malformed();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A field that follows its length, a u8. */
  sized8(max = 255): Bytes {
    return this.#sized(this.u8(), max);
  }

  /** A field that follows its length, a u16. */
  sized16(max = 65_535): Bytes {
    return this.#sized(this.u16(), max);
  }

  #sized(length: number, max: number): Bytes {
    if (length > max) throw new Malformed();
    return this.take(length);
  }
}

/** Writes big-endian fields into memory that is large enough for them. */
export class Writer {
  readonly #memory: Bytes;
  #at = 0;

  constructor(memory: Bytes) {
    this.#memory = memory;
  }

  /** The bytes written so far, as a view. */
  get bytes(): Bytes {
    return this.#memory.subarray(0, this.#at);
  }

  /** Writes the lowest 8 bits of the value. */
  u8(value: number): this {
    this.#memory[this.#at] = value;
    this.#at += 1;
    return this;
  }

  u16(value: number): this {
    return this.u8(value >>> 8).u8(value);
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value);
  }

  u64(value: number): this {
    return this.u32(Math.floor(value / U32)).u32(value % U32);
  }

  put(bytes: Bytes): this {
    this.#memory.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /**
   * The counterpart of {@link Reader.sized8}.
   * @throws RangeError when the bytes are longer than `max`
   */
  sized8(bytes: Bytes, max: number): this {
    return this.u8(within(bytes.length, max)).put(bytes);
  }

  /** The counterpart of {@link Reader.sized16}; throws the same. */
  sized16(bytes: Bytes, max: number): this {
    return this.u16(within(bytes.length, max)).put(bytes);
  }

  zeros(length: number): this {
    this.#memory.fill(0, this.#at, this.#at + length);
    this.#at += length;
    return this;
  }
}

function within(length: number, max: number): number {
  if (length > max) throw new RangeError(`${length} bytes, at most ${max}`);
  return length;
}
