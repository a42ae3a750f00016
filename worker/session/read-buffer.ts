/** Memory for reads from a backend: little while it says little, much while it says much and the budget lasts. */
import type { Bytes } from '../../protocol/bytes.ts';
import type { MemoryBudget } from '../../protocol/session/window.ts';

/** An idle session's read waits in a buffer of this size. Each read that fills its buffer makes the next one larger,
 * up to `READ_MAX`: large reads are what makes downstream fast, small ones what makes idle sessions cheap. */
export const READ_MIN = 4096;

/** Four full records: beside one record a read, the relay's CPU per MiB fell by a third (docs/performance.md). */
export const READ_MAX = 260_000;

export class ReadBuffer {
  readonly #budget: MemoryBudget;
  #mayGrow = false;
  /** What the next read asks for. */
  size = READ_MIN;
  #memory: ArrayBuffer | undefined;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** For a read of up to `length` bytes, `size` at most. */
  view(length: number): Bytes {
    if (this.#memory?.byteLength !== this.size) this.#memory = new ArrayBuffer(this.size);
    return new Uint8Array(this.#memory, 0, length);
  }

  /**
   * Takes back what `view` gave, filled.
   * @returns whether the memory goes with the bytes; otherwise they must be copied before the next `view`, which uses
   * it again: an idle session's few bytes should not hold a whole buffer.
   */
  filled(bytes: Bytes, wanted: number): boolean {
    const handOver = 2 * bytes.length >= bytes.buffer.byteLength;
    this.#memory = handOver ? undefined : bytes.buffer;
    // A full read has left more behind; one that was short of room says nothing.
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
