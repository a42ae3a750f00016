import { type Bytes, EMPTY, free } from '../bytes.ts';

/**
 * Small writes are copied together into blocks of this size, in bytes. A queue of one-byte chunks would cost a hundred
 * times the bytes that it holds.
 */
export const BLOCK = 4096;

interface Chunk {
  /** Offset of the chunk's first byte. */
  start: number;
  bytes: Bytes;
}

/**
 * A stretch of a byte stream, addressed by offset: a sender's replay buffer, a receiver's queue. It costs at most about
 * three times the bytes that it holds, however small the pieces in which they come.
 */
export class ByteQueue {
  readonly #chunks: Chunk[] = [];
  #start = 0;
  #end = 0;
  /** Free bytes after the last chunk, in the chunk's own block. */
  #spare = 0;

  /** Offset of the first byte held. */
  get start(): number {
    return this.#start;
  }

  /** Offset after the last byte held. */
  get end(): number {
    return this.#end;
  }

  /** @param owned nobody else will ever write to these bytes, so large ones need not be copied */
  push(bytes: Bytes, owned: boolean): void {
    if (bytes.length === 0) return;
    const large = bytes.length >= BLOCK;
    const alone = this.#start === this.#end;
    if ((large || alone) && owned && bytes.buffer.byteLength <= 2 * bytes.length) this.#add(bytes, 0);
    // Not `slice`: on Node's Buffers it copies nothing.
    else if (large) this.#add(new Uint8Array(bytes), 0);
    else this.#copyToBlock(bytes);
  }

  #add(bytes: Bytes, spare: number): void {
    this.#chunks.push({ start: this.#end, bytes });
    this.#end += bytes.length;
    this.#spare = spare;
  }

  #copyToBlock(bytes: Bytes): void {
    const last = this.#chunks[this.#chunks.length - 1];
    if (last && this.#spare >= bytes.length) {
      const { buffer, byteOffset, length } = last.bytes;
      last.bytes = new Uint8Array(buffer, byteOffset, length + bytes.length);
      last.bytes.set(bytes, length);
      this.#end += bytes.length;
      this.#spare -= bytes.length;
      return;
    }
    // A lone small message, a chat's usual state, takes only its own size.
    const block = new Uint8Array(this.#start === this.#end ? bytes.length : BLOCK);
    block.set(bytes);
    this.#add(block.subarray(0, bytes.length), block.length - bytes.length);
  }

  /** A view of up to `max` bytes from `offset`: as many as lie together in memory. Empty at the end. */
  peek(offset: number, max: number): Bytes {
    const chunk = this.#chunks[this.#indexOf(offset)];
    if (!chunk) return EMPTY;
    const at = offset - chunk.start;
    return chunk.bytes.subarray(at, at + max);
  }

  /** Index of the chunk that holds `offset`, by bisection. */
  #indexOf(offset: number): number {
    if (offset < this.#start || offset > this.#end) throw new RangeError(`offset ${offset} not held`);
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = this.#chunks[middle] as Chunk;
      if (chunk.start + chunk.bytes.length <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Forgets everything before `offset`. */
  dropTo(offset: number, freed = false): void {
    if (offset <= this.#start) return;
    const dropped = this.#chunks.splice(0, this.#indexOf(offset));
    if (freed) for (const { bytes } of dropped) free(bytes);
    this.#start = offset;
    if (this.#chunks.length === 0) this.#spare = 0;
  }

  clear(): void {
    this.dropTo(this.#end);
  }
}
