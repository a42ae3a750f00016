/** One timer for everything that a session waits for. */

import type { Clock } from '../waiting.ts';
import { NEVER } from './liveness.ts';

export class Alarm {
  readonly #clock: Clock;
  readonly #run: () => void;
  #set: { at: number; cancel: () => void } | undefined;

  /** @param run may be called too early; it must check for itself what is due */
  constructor(clock: Clock, run: () => void) {
    this.#clock = clock;
    this.#run = run;
  }

  /** Calls `run` at that time or earlier. An early call costs nothing; setting a timer for every record would. */
  set(at: number): void {
    if (at === NEVER || (this.#set && this.#set.at <= at)) return;
    this.#set?.cancel();
    const cancel = this.#clock.after(Math.max(0, at - this.#clock.now()), () => {
      this.#set = undefined;
      this.#run();
    });
    this.#set = { at, cancel };
  }

  cancel(): void {
    this.#set?.cancel();
  }
}
