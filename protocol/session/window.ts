import { WINDOW_GROWTH_TIME, WINDOW_INITIAL, WINDOW_MAX } from '../limits.ts';

/** The memory that windows and replay buffers may take together. */
export interface MemoryBudget {
  /** @param growth what asks could do without it. */
  reserve(bytes: number, growth: boolean): boolean;
  release(bytes: number): void;
}

/**
 * The size of a window or replay buffer: doubles while it is used and the budget lasts. Its first WINDOW_INITIAL bytes
 * have been reserved by whoever makes it.
 */
export class Window {
  readonly #budget: MemoryBudget;
  size = WINDOW_INITIAL;
  #released = false;
  #mark = { offset: 0, at: -Infinity };

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** The stream has moved on to `offset`: a whole window in a short time, though it was all there was, asks for more. */
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
