/** Keeps how a session has ended: the session's client may have missed the last ACK, or the RESET. */
import { type Code, toWire } from '../../protocol/errors.ts';
import type { Frame, Offsets } from '../../protocol/session/frames.ts';

export class Ending {
  readonly offsets: Offsets;
  readonly #code: Code | undefined;

  /** @param code the reason for the end; without a code both streams came to their end */
  constructor(offsets: Offsets, code: Code | undefined) {
    this.offsets = offsets;
    this.#code = code;
  }

  /** Expired sessions leave no tombstone: nobody came back for them. */
  get isTold(): boolean {
    return this.#code !== 'carrier-lost';
  }

  /** The only record for a client that comes back. */
  get record(): Frame[] {
    return [this.#code ? { type: 'reset', code: toWire(this.#code) } : { type: 'ack', ...this.offsets }];
  }
}
