/** What a session does at the client. It moves to another carrier when the peer does not answer on this one. */
import { evenly, type RandomBytes } from '../bytes.ts';
import {
  ACK_DELAY,
  PING_EVERY,
  PING_EVERY_MIN,
  PROBE_AFTER,
  PROBE_TIMEOUT,
  STALL_MAX,
  STALL_MIN,
  STALL_MIN_LIMITED,
} from '../limits.ts';
import { type Duty, Liveness, NEVER, type Standing } from './liveness.ts';
import type { SessionEnd } from './parts.ts';

/** The round trip to assume before one was measured, in milliseconds. */
const ROUND_TRIP_MAX = 500;

export class ClientLiveness extends Liveness {
  readonly #random: RandomBytes;
  #isResumable = false;
  #isLimited = false;
  #attachedAt = 0;
  #lastAsked = -NEVER;
  /** The least time from the last PING to the next one. Random: no time on the wire is constant. */
  #pause: number;
  /** When the ACK of the first DATA since our last PING is due. */
  #askWithAck = NEVER;
  /** Since when the peer has had data under way and acknowledged nothing new. */
  #unmovedSince = NEVER;
  /** How often in a row the carrier was reported as stalled, and when last. */
  #stalls = 0;
  #stalledAt = -NEVER;

  constructor(random: RandomBytes) {
    super();
    this.#random = random;
    this.#pause = this.#newPause();
  }

  override attached(now: number, isResumable: boolean, isLimited: boolean): void {
    super.attached(now, isResumable, isLimited);
    this.#attachedAt = now;
    this.#isResumable = isResumable;
    this.#isLimited = isLimited;
    this.#unmovedSince = NEVER;
  }

  override sent(now: number, isUnderWay: boolean): void {
    if (isUnderWay) this.#unmovedSince = Math.min(this.#unmovedSince, now);
  }

  override moved(): void {}

  override received(ackAt: number): void {
    this.#askWithAck = Math.min(this.#askWithAck, ackAt);
  }

  override acked(now: number, isUnderWay: boolean): void {
    this.#stalls = 0;
    this.#unmovedSince = isUnderWay ? now : NEVER;
  }

  override asked(now: number): void {
    super.asked(now);
    this.#lastAsked = now;
    this.#pause = this.#newPause();
    this.#askWithAck = NEVER;
  }

  override pong(now: number): void {
    super.pong(now);
    this.#stalls = 0;
  }

  override get isStalled(): boolean {
    return this.#stalls > 0 && this.#stalledAt > this.#attachedAt;
  }

  override isOverdue(now: number): boolean {
    return this.isStalled || this.#waitingSince + ACK_DELAY + 2 * (this.roundTrip ?? ROUND_TRIP_MAX) <= now;
  }

  override nextAt({ isSpent }: Standing): number {
    if (isSpent) return NEVER;
    if (this.#isWaiting) return Math.min(this.#stallsAt, this.#askAt);
    return this.#askAt === NEVER ? this.#probeAt : this.#askAt;
  }

  override due(now: number, standing: Standing): readonly Duty[] {
    if (this.nextAt(standing) > now) return [];
    if (this.#askAt <= now) return ['ask'];
    if (this.#isWaiting) {
      this.#stalls += 1;
      this.#stalledAt = now;
      return ['stalled'];
    }
    return [this.askedAt === NEVER ? 'ask' : 'carrier-lost'];
  }

  /** An answer or an ACK is missing on this carrier, and another can be opened beside it. */
  get #isWaiting(): boolean {
    return this.#isResumable && this.#waitingSince !== NEVER;
  }

  /** Since when the peer owes an answer, or an ACK of data that is under way. */
  get #waitingSince(): number {
    return Math.min(this.unansweredSince, this.#unmovedSince);
  }

  /** When the carrier counts as stalled. It counts as stalled again after twice the time, while nothing moves. */
  get #stallsAt(): number {
    const least = this.#isLimited ? STALL_MIN_LIMITED : STALL_MIN;
    const patience = Math.min(STALL_MAX, Math.max(least, 4 * (this.roundTrip ?? 0)) * 2 ** this.#stalls);
    return Math.max(this.#waitingSince, this.#stalledAt) + patience;
  }

  /**
   * Receive-only clients PING too, or they would not notice a frozen path. When little arrives, the PING goes with the
   * ACK.
   */
  get #askAt(): number {
    if (!this.#isResumable || this.askedAt !== NEVER) return NEVER;
    return Math.max(this.#askWithAck, this.#lastAsked + this.#pause);
  }

  /** Ask after a long silence; without an answer the carrier is lost. */
  get #probeAt(): number {
    return this.askedAt === NEVER ? this.lastHeard + PROBE_AFTER : this.unansweredSince + PROBE_TIMEOUT;
  }

  #newPause(): number {
    return evenly(this.#random, PING_EVERY_MIN, PING_EVERY);
  }
}

/** A client's ACKs are billed, so it sends few. Its first record proves to the relay that it holds the keys. */
export const CLIENT_END: SessionEnd = {
  acksPerWindow: 2,
  speaksFirst: true,
  liveness: (random) => new ClientLiveness(random),
};
