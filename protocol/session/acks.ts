/** When an end acknowledges: soon, with the next record, or at once when the peer may wait for room. */
import { evenly, type RandomBytes } from '../bytes.ts';
import { ACK_DELAY, ACK_DELAY_MIN } from '../limits.ts';
import type { Offsets } from './frames.ts';
import type { Incoming } from './incoming.ts';
import { NEVER } from './liveness.ts';

export class Acks {
  readonly #random: RandomBytes;
  readonly #perWindow: number;
  /** Our offsets, as the peer last heard them. */
  #advertised: Offsets = { received: 0, limit: 0 };
  #delay: number;
  /** When the next ACK is due. */
  at = NEVER;

  /** @param perWindow see `SessionEnd` */
  constructor(random: RandomBytes, perWindow: number) {
    this.#random = random;
    this.#perWindow = perWindow;
    this.#delay = this.#newDelay();
  }

  /** Whether the peer knows everything that we have received. */
  knows(received: number): boolean {
    return this.#advertised.received === received;
  }

  /** A carrier is attached. Its hello or grant told the peer these offsets. */
  attached(advertised: Offsets): void {
    this.#advertised = advertised;
    this.at = NEVER;
  }

  owe({ received, limit, windowSize }: Incoming, now: number): void {
    const moved = Math.max(received - this.#advertised.received, limit - this.#advertised.limit);
    if (moved === 0) return;
    this.oweBy(moved >= windowSize / this.#perWindow ? now : now + this.#delay);
  }

  /** Owes an ACK after the usual delay, although no offset has moved. */
  oweSoon(now: number): void {
    this.oweBy(now + this.#delay);
  }

  oweBy(at: number): void {
    this.at = Math.min(this.at, at);
  }

  /** @param rides whether a record leaves anyway; an ACK that is not due yet then goes with it */
  isDue(rides: boolean, now: number): boolean {
    return rides ? this.at !== NEVER : this.at <= now;
  }

  /** An ACK with these offsets leaves. */
  sent(offsets: Offsets, rides: boolean): void {
    this.#advertised = offsets;
    this.at = NEVER;
    // Nobody sees the delay of an ACK that rides, so most records need no draw.
    if (!rides) this.#delay = this.#newDelay();
  }

  #newDelay(): number {
    return evenly(this.#random, ACK_DELAY_MIN, ACK_DELAY);
  }
}
