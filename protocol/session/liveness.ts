/**
 * Whether the peer is still there. A session tells its liveness what happens; the liveness says what is due, and when.
 * The liveness sends nothing and sets no timer. Each end has its own: see `client-end` and `relay-end`.
 */
import type { Code } from '../errors.ts';

/** A time that never comes. */
export const NEVER = Infinity;

/** What a session has to do about a silence. A code ends the session. */
export type Duty =
  /** Send a PING. */
  | 'ask'
  /** Send an ACK, so that the peer and the network hear something. */
  | 'acknowledge'
  /** Report that the carrier looks dead. */
  | 'stalled'
  /** End the session at this end alone: there is nobody to tell. */
  | Extract<Code, 'carrier-lost'>
  /** Reset the session. */
  | Extract<Code, 'silent' | 'idle'>;

/** The state of a session's streams and carrier, as far as deadlines depend on it. */
export interface Standing {
  /** The carrier's allowance is used up: nothing more can be sent on it. */
  readonly isSpent: boolean;
  /** The peer has all of our stream, and its end. */
  readonly isHalfClosed: boolean;
}

/** All times are milliseconds of the session's clock. */
export abstract class Liveness {
  protected lastHeard = 0;
  /** When the unanswered PING left. */
  protected askedAt = NEVER;
  #roundTrip: number | undefined;

  /** Smoothed round trip to the peer in milliseconds (RFC 6298 section 2); undefined before the first answer. */
  get roundTrip(): number | undefined {
    return this.#roundTrip;
  }

  /**
   * Since when an answer to a PING is missing. An answer may queue behind data, so any record counts as part of the
   * answer.
   */
  protected get unansweredSince(): number {
    return this.askedAt === NEVER ? NEVER : Math.max(this.askedAt, this.lastHeard);
  }

  /** `stalled` was due on this carrier, and no answer or ACK has arrived since. */
  get isStalled(): boolean {
    return false;
  }

  /** An answer should have arrived and is missing. It is too soon to call the carrier stalled. */
  isOverdue(_now: number): boolean {
    return false;
  }

  /**
   * A carrier is attached.
   * @param _isResumable whether another carrier may follow
   * @param _isLimited whether its path limits how much a connection carries
   */
  attached(now: number, _isResumable: boolean, _isLimited: boolean): void {
    this.lastHeard = now;
    this.askedAt = NEVER;
  }

  detached(): void {
    this.askedAt = NEVER;
  }

  /** A record came. */
  heard(now: number): void {
    this.lastHeard = now;
  }

  /** A PING left. */
  asked(now: number): void {
    this.askedAt = now;
  }

  /** The answer to the PING came. */
  pong(now: number): void {
    const sample = now - this.askedAt;
    this.#roundTrip = this.#roundTrip === undefined ? sample : this.#roundTrip + (sample - this.#roundTrip) / 8;
    this.askedAt = NEVER;
  }

  /** A record left. */
  abstract sent(now: number, isUnderWay: boolean): void;
  /** The app wrote bytes, or bytes for the app arrived. */
  abstract moved(now: number): void;
  /** DATA arrived. Its ACK leaves at `ackAt`, or earlier with another record. */
  abstract received(ackAt: number): void;
  /** The peer acknowledged bytes that it had not acknowledged before. */
  abstract acked(now: number, isUnderWay: boolean, isHalfClosed: boolean): void;
  /** When `due` has to be called next. */
  abstract nextAt(standing: Standing): number;
  /** What has to be done now. */
  abstract due(now: number, standing: Standing): readonly Duty[];
}
