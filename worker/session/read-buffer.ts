/** Memory for reads from a backend: little while it says little, much while it says much and the budget lasts. */
import type { Bytes } from '../../protocol/bytes.ts';
import { READ_MAX, READ_MIN } from '../../protocol/limits.ts';
import type { Budget } from '../../protocol/session/window.ts';

export class ReadBuffer {
  readonly #budget: Budget;
  #mayGrow = false;
  /** What the next read asks for. */
  size = READ_MIN;
  #memory: ArrayBuffer | undefined;

  constructor(budget: Budget) {
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
