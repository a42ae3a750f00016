/**
 * Keeps a hub in memory while something waits in the hub. After some 140 s without a call, workerd evicts an object. A
 * pending timer and a socket to a backend do not prevent the eviction. An alarm is a call.
 */

/**
 * Milliseconds between alarms: less than 70 s. workerd evicts an object after the second period of 70 s without a call.
 * Each alarm is billed as one request and one written row.
 */
export const VIGIL_EVERY = 60_000;

export class Vigil {
  readonly #storage: DurableObjectStorage;
  readonly #waits: () => boolean;
  #isSet = false;

  /** @param waits whether something waits */
  constructor(storage: DurableObjectStorage, waits: () => boolean) {
    this.#storage = storage;
    this.#waits = waits;
  }

  /** Call this when something begins to wait. */
  begin(): void {
    if (this.#isSet || !this.#waits()) return;
    this.#isSet = true;
    // The hub's messages need not wait until the alarm is written. If the storage takes no alarm, ignore the error: a
    // hub that is called often still holds everything that waits.
    this.#storage.setAlarm(Date.now() + VIGIL_EVERY, { allowUnconfirmed: true }).catch(() => {});
  }

  /** The alarm has gone off. */
  alarm(): void {
    this.#isSet = false;
    this.begin();
  }
}
