/** What a session does at the relay. It keeps the carrier alive, and gives up clients that are silent, idle or gone. */
import { evenly, type RandomBytes } from '../bytes.ts';
import {
  ANSWER_TIMEOUT,
  FIRST_RECORD_TIMEOUT,
  HALF_CLOSED_MAX,
  IDLE_MAX,
  KEEPALIVE,
  KEEPALIVE_MIN,
} from '../limits.ts';
import { type Duty, Liveness, NEVER, type Standing } from './liveness.ts';
import type { SessionEnd } from './parts.ts';

export class RelayLiveness extends Liveness {
  readonly #random: RandomBytes;
  readonly #askAfter: number;
  #lastSent = 0;
  /** The time from the last record to the next keepalive. Random: no time on the wire is constant. */
  #silence: number;
  /** Since when the client has had a carrier without sending a record on it. */
  #silentSince = NEVER;
  /** When the app or its backend last sent something. */
  #lastMoved: number;

  /** @param askAfter see `relayEnd` */
  constructor(random: RandomBytes, now: number, askAfter: number) {
    super();
    this.#random = random;
    this.#askAfter = askAfter;
    this.#lastMoved = now;
    this.#silence = this.#newSilence();
  }

  override attached(now: number, isResumable: boolean, isLimited: boolean): void {
    super.attached(now, isResumable, isLimited);
    this.#lastSent = now;
    this.#silentSince = now;
  }

  override sent(now: number): void {
    this.#lastSent = now;
  }

  override heard(now: number): void {
    super.heard(now);
    this.#silentSince = NEVER;
  }

  override moved(now: number): void {
    this.#lastMoved = now;
  }

  override received(): void {}

  override acked(now: number, _isUnderWay: boolean, isHalfClosed: boolean): void {
    // A half-closed session is idle from the ACK of our FIN, not from the last byte before the FIN.
    if (isHalfClosed) this.#lastMoved = now;
  }

  override nextAt(standing: Standing): number {
    return Math.min(
      this.#silentAt,
      this.#idleAt(standing),
      this.#unansweredAt(standing),
      standing.isSpent ? NEVER : this.#keepaliveAt,
    );
  }

  override due(now: number, standing: Standing): readonly Duty[] {
    if (this.#silentAt <= now) return ['silent'];
    if (this.#idleAt(standing) <= now) return ['idle'];
    if (this.#unansweredAt(standing) <= now) {
      // Report it again after the same time, should the carrier still be there.
      this.lastHeard = now;
      return ['stalled'];
    }
    if (standing.isSpent || this.#keepaliveAt > now) return [];
    this.#silence = this.#newSilence();
    return this.lastHeard + this.#askAfter <= now ? ['acknowledge', 'ask'] : ['acknowledge'];
  }

  get #silentAt(): number {
    return this.#silentSince + FIRST_RECORD_TIMEOUT;
  }

  #idleAt({ isHalfClosed }: Standing): number {
    return this.#lastMoved + (isHalfClosed ? HALF_CLOSED_MAX : IDLE_MAX);
  }

  /**
   * When a client that was asked counts as gone. On a spent carrier the relay cannot ask, and the client should have
   * moved on.
   */
  #unansweredAt({ isSpent }: Standing): number {
    return (isSpent ? this.lastHeard + this.#askAfter : this.unansweredSince) + ANSWER_TIMEOUT;
  }

  get #keepaliveAt(): number {
    return this.#lastSent + this.#silence;
  }

  #newSilence(): number {
    return evenly(this.#random, KEEPALIVE_MIN, KEEPALIVE);
  }
}

/**
 * A relay's ACKs are free, so it sends more of them.
 * @param askAfter milliseconds without a record from the client, after which the next keepalive asks for an answer; 0:
 * every keepalive asks
 */
export const relayEnd = (askAfter = NEVER): SessionEnd => ({
  acksPerWindow: 4,
  speaksFirst: false,
  liveness: (random, now) => new RelayLiveness(random, now, askAfter),
});
