import { createCipheriv } from 'node:crypto';

/** A stream of bytes that looks random and is known at every offset: AES-CTR under a seed. */
export class KnownBytes {
  readonly #cipher: ReturnType<typeof createCipheriv>;

  constructor(seed: number) {
    const key = Buffer.alloc(16);
    key.writeUInt32BE(seed);
    this.#cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  }

  next(length: number): Buffer<ArrayBuffer> {
    return this.#cipher.update(Buffer.alloc(length)) as Buffer<ArrayBuffer>;
  }
}

/** Checks that what is fed to it is the stream of a seed, byte for byte, and counts it. */
export class KnownBytesCheck {
  readonly #expected: KnownBytes;
  length = 0;

  constructor(seed: number) {
    this.#expected = new KnownBytes(seed);
  }

  feed(bytes: Uint8Array): void {
    if (!this.#expected.next(bytes.length).equals(bytes)) throw new Error(`wrong bytes after offset ${this.length}`);
    this.length += bytes.length;
  }
}
