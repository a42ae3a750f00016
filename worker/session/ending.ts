/** How a session has ended: its client may have missed the last ACK, or the RESET. */
import { type Code, toWire } from '../../protocol/errors.ts';
import type { Frame, Offsets } from '../../protocol/session/frames.ts';

export class Ending {
  readonly offsets: Offsets;
  readonly #code: Code | undefined;

  /** @param code why; without one both streams came to their end */
  constructor(offsets: Offsets, code: Code | undefined) {
    this.offsets = offsets;
    this.#code = code;
  }

  /** Expired sessions leave no tombstone: nobody came back for them. */
  get isTold(): boolean {
    return this.#code !== 'carrier-lost';
  }

  /** The one record that a client gets that comes back. */
  get record(): Frame[] {
    return [this.#code ? { type: 'reset', code: toWire(this.#code) } : { type: 'ack', ...this.offsets }];
  }
}
