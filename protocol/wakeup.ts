const DONE = Promise.resolve();

/** Wakes one waiter, also when it was set before the wait began. */
export class Wakeup {
  #isSet = false;
  #wake: (() => void) | undefined;

  set(): void {
    this.#isSet = true;
    this.#wake?.();
  }

  wait(): Promise<void> {
    if (!this.#isSet) return new Promise((resolve) => this.#waits(resolve));
    this.#isSet = false;
    return DONE;
  }

  #waits(resolve: () => void): void {
    this.#wake = () => {
      this.#wake = undefined;
      this.#isSet = false;
      resolve();
    };
  }
}
