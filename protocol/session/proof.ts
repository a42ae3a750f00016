/**
 * What has certainly arrived on a carrier. A peer may guess an ACK, to make us fill a socket that nobody reads. A peer
 * cannot guess the answer to a PING with a random id.
 */
import { type RandomBytes, Reader } from '../bytes.ts';
import { PROOF_RECORDS } from '../limits.ts';

/** How far a carrier has come. */
export interface Progress {
  offset: number;
  records: number;
}

export class Proof {
  readonly #random: RandomBytes;
  /** Records sent on this carrier. */
  records = 0;
  #proven: Progress = { offset: 0, records: 0 };
  /**
   * The PING that is due, or that has left and has no answer. `upTo` is how far this carrier had come when the PING
   * left.
   */
  #ping: { id: number; upTo: Progress } | 'due' | undefined;

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  /** The peer certainly has everything before this offset. */
  get offset(): number {
    return this.#proven.offset;
  }

  get isPingDue(): boolean {
    return this.#ping === 'due';
  }

  /** A new carrier begins at this offset. */
  attached(offset: number): void {
    this.records = 0;
    this.#proven = { offset, records: 0 };
    this.#ping = undefined;
  }

  detached(): void {
    this.#ping = undefined;
  }

  /** Makes a PING leave with the next record, unless one is under way. */
  ask(): void {
    this.#ping ??= 'due';
  }

  /** The peer has proven too little: more than `most` bytes, or PROOF_RECORDS records, are sent without proof. */
  isWanted(sent: number, most: number): boolean {
    return sent - this.#proven.offset > most || this.unprovenRecords >= PROOF_RECORDS;
  }

  get unprovenRecords(): number {
    return this.records - this.#proven.records;
  }

  /** Returns the id of the PING that leaves now. */
  pingFor(sent: number): number {
    const id = new Reader(this.#random(4)).u32();
    this.#ping = { id, upTo: { offset: sent, records: this.records } };
    return id;
  }

  /** Whether this id answers the PING that is under way. */
  pong(id: number): boolean {
    if (typeof this.#ping !== 'object' || this.#ping.id !== id) return false;
    this.#proven = this.#ping.upTo;
    this.#ping = undefined;
    return true;
  }
}
