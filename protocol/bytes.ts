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

/** RFC 4648 section 5, without padding. */
export function toBase64url(bytes: Bytes): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The bytes of canonical, unpadded base64url text; `undefined` for anything else. */
export function fromBase64url(text: string): Bytes | undefined {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  // Two texts must never mean the same bytes: a hello would have several spellings.
  return toBase64url(bytes) === text ? bytes : undefined;
}

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function toUtf8(text: string): Bytes {
  return utf8Encoder.encode(text);
}

/** Thrown by {@link Reader} when the bytes end early or hold a value out of range. */
export class Malformed extends Error {}

/** Reads big-endian fields from the front of a message; throws {@link Malformed}. */
export class Reader {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #skip(length: number): number {
    if (length > this.remaining) throw new Malformed('ends early');
    this.#at += length;
    return this.#at - length;
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#skip(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4));
  }

  /** An unsigned 64-bit value up to 2^53 - 1, JavaScript's exact integers: 8 PiB of stream. */
  u64(): number {
    const value = Number(this.#view.getBigUint64(this.#skip(8)));
    if (!Number.isSafeInteger(value)) throw new Malformed('offset past 2^53');
    return value;
  }

  /** A view, not a copy. */
  take(length: number): Bytes {
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  utf8(length: number): string {
    try {
      return utf8Decoder.decode(this.take(length));
    } catch {
      throw new Malformed('not UTF-8');
    }
  }
}

/** Writes big-endian fields into a message whose size is known. */
export class Writer {
  readonly bytes: Bytes;
  readonly #view: DataView;
  #at = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#at, value);
    this.#at += 2;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
    return this;
  }

  u64(value: number): this {
    this.#view.setBigUint64(this.#at, BigInt(value));
    this.#at += 8;
    return this;
  }

  put(bytes: Bytes): this {
    this.bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  skip(length: number): this {
    this.#at += length;
    return this;
  }
}
