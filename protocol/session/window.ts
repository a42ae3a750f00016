import { WINDOW_GROWTH_TIME, WINDOW_INITIAL, WINDOW_MAX } from '../limits.ts';

/** The memory that windows and replay buffers may take together, in bytes. */
export interface MemoryBudget {
  /** @param growth whether the asker could do without these bytes */
  reserve(bytes: number, growth: boolean): boolean;
  release(bytes: number): void;
}

/**
 * The size of a window or replay buffer, in bytes. It doubles while it is used and the budget lasts. The maker of the
 * window has already reserved its first WINDOW_INITIAL bytes.
 */
export class Window {
  readonly #budget: MemoryBudget;
  size = WINDOW_INITIAL;
  #released = false;
  #mark = { offset: 0, at: -Infinity };

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /**
   * The stream has moved on to `offset`. A whole window used in a short time asks for a larger one.
   * @param wanted whether this size may be what limits the stream
   */
  used(offset: number, now: number, wanted: boolean): void {
    if (offset - this.#mark.offset < this.size) return;
    const quick = now - this.#mark.at <= WINDOW_GROWTH_TIME;
    this.#mark = { offset, at: now };
    if (quick && wanted && this.size < WINDOW_MAX && this.#budget.reserve(this.size, true)) this.size *= 2;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#budget.release(this.size);
  }
}
