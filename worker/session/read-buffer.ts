/**
 * Memory for reads from a backend: little while the backend says little, much while the backend says much and the
 * budget lasts.
 */
import type { Bytes } from '../../protocol/bytes.ts';
import type { MemoryBudget } from '../../protocol/session/window.ts';

/**
 * Bytes of the buffer in which an idle session's read waits. Each read that fills its buffer makes the next buffer
 * larger, up to `READ_MAX`. Large reads make downstream fast. Small reads make idle sessions cheap.
 */
export const READ_MIN = 4096;

/**
 * Four full records. Compared with one record a read, the relay's CPU per MiB fell by a third (docs/performance.md).
 */
export const READ_MAX = 260_000;

export class ReadBuffer {
  readonly #budget: MemoryBudget;
  #mayGrow = false;
  /** The bytes that the next read asks for. */
  size = READ_MIN;
  #memory: ArrayBuffer | undefined;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** Gives memory for a read of up to `length` bytes. `length` is `size` at most. */
  view(length: number): Bytes {
    if (this.#memory?.byteLength !== this.size) this.#memory = new ArrayBuffer(this.size);
    return new Uint8Array(this.#memory, 0, length);
  }

  /**
   * Takes back the memory that `view` gave, filled.
   * @returns whether the memory goes with the bytes. If not, copy the bytes before the next `view`, which uses the
   * memory again. So an idle session's few bytes do not hold a whole buffer.
   */
  filled(bytes: Bytes, wanted: number): boolean {
    const handOver = 2 * bytes.length >= bytes.buffer.byteLength;
    this.#memory = handOver ? undefined : bytes.buffer;
    // A full read has left more bytes behind. A read that was short of room says nothing about the backend.
    const least = bytes.length < wanted ? READ_MIN : this.size;
    this.#resize(Math.min(Math.max(least, 4 * bytes.length), READ_MAX));
    return handOver;
  }

  #resize(size: number): void {
    if (size > READ_MIN && !this.#mayGrow) this.#mayGrow = this.#budget.reserve(READ_MAX, true);
    this.size = this.#mayGrow ? size : READ_MIN;
  }

  release(): void {
    if (this.#mayGrow) this.#budget.release(READ_MAX);
    this.#mayGrow = false;
  }
}
