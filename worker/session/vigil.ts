/**
 * Keeps a hub in memory while something waits in it. workerd evicts an object that nobody has called for some 140 s, a pending timer and
 * a socket to a backend notwithstanding; an alarm is a call.
 */

/** Less than the 70 s after whose second such time without a call workerd evicts. Each is billed as one request and one written row. */
export const VIGIL_EVERY = 60_000;

export class Vigil {
  readonly #storage: DurableObjectStorage;
  readonly #waits: () => boolean;
  #isSet = false;

  /** @param waits whether something does */
  constructor(storage: DurableObjectStorage, waits: () => boolean) {
    this.#storage = storage;
    this.#waits = waits;
  }

  /** To be called when something begins to wait. */
  begin(): void {
    if (this.#isSet || !this.#waits()) return;
    this.#isSet = true;
    // What the hub sends need not wait until it is written. Where the storage takes none, a hub that is called often still holds what waits.
    this.#storage.setAlarm(Date.now() + VIGIL_EVERY, { allowUnconfirmed: true }).catch(() => {});
  }

  /** The alarm has gone off. */
  alarm(): void {
    this.#isSet = false;
    this.begin();
  }
}
