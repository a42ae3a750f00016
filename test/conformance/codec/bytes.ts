/** Bytes, numbers and text as section 1 of the specification writes them. */

/** A message that is not what the specification says. */
export class Malformed extends Error {}

export const text = (string: string): Buffer => Buffer.from(string, 'utf8');

export const u8 = (value: number): Buffer => Buffer.of(value);

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export const sized8 = (bytes: Buffer): Buffer => Buffer.concat([u8(bytes.length), bytes]);
export const sized16 = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes]);

/** Reads one field after another. */
export class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Buffer {
    if (length > this.left) throw new Malformed('it ends early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  u8 = (): number => this.take(1).readUInt8();
  u16 = (): number => this.take(2).readUInt16BE();
  u32 = (): number => this.take(4).readUInt32BE();

  u64(): number {
    const value = Number(this.take(8).readBigUInt64BE());
    if (!Number.isSafeInteger(value)) throw new Malformed('a u64 is above 2^53 - 1');
    return value;
  }

  sized8 = (most = 255): Buffer => this.#bounded(this.u8(), most);
  sized16 = (most: number): Buffer => this.#bounded(this.u16(), most);

  #bounded(length: number, most: number): Buffer {
    if (length > most) throw new Malformed(`a field has ${length} bytes, more than ${most}`);
    return this.take(length);
  }
}

export const toBase64url = (bytes: Buffer): string => bytes.toString('base64url');

/** @throws Malformed where it is not the one spelling of its bytes */
export function fromBase64url(spelling: string): Buffer {
  const bytes = Buffer.from(spelling, 'base64url');
  if (toBase64url(bytes) !== spelling) throw new Malformed('it is not canonical base64url');
  return bytes;
}

/** @throws Malformed where it is not UTF-8 */
export function utf8(bytes: Buffer): string {
  const string = bytes.toString('utf8');
  if (!text(string).equals(bytes)) throw new Malformed('text is not UTF-8');
  return string;
}
