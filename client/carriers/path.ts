/**
 * What this process knows of the network between it and a relay. Some networks let a connection carry some 16 KB, or 25
 * packets, and then let nothing through, without a word. Whoever knows how much that is can move to a next carrier before.
 */
import type { Carrier } from '../../protocol/carrier/carrier.ts';
import { RECORD_COST_MIN } from '../../protocol/limits.ts';
import type { Clock } from '../../protocol/waiting.ts';
import { clock } from '../clock.ts';

/** What a carrier may carry there after its set-up, both ways together, at least: a carrier takes 5 to 8 KB to set up, and below
 * this nearly all would be that. Above the second a limit is none: ordinary networks freeze so rarely that it costs less to wait. */
export const ALLOWANCE_MIN = 4000;
export const ALLOWANCE_MAX = 512 * 1024;

/** What a network has carried once it carries again; but small records count for up to so many times their length, and a picture
 * is of large ones. So no limit is taken to be below this part of it, where connections freeze for another reason, like their age. */
const PROVEN_PART = 5;

/** The least that a direction gets of it: an ACK and a PING each way. */
const SHARE_MIN = 1 / 3;

/** Two carriers in a row that freeze within this time are taken for the network's doing. */
export const SUSPICION_TIME = 60_000;

/** After a carrier froze with what others had carried, so long nothing larger is tried. */
export const GROWTH_PAUSE = 10 * 60_000;

/** Between two handshakes with one relay, where a limit is known: many at once to one name are punished there. */
export const HANDSHAKE_GAP = 500;

/**
 * What a carrier may carry after its grant; Infinity where no limit is known. In bytes, as `costOf` counts them. The random padding of
 * hello and grant is not counted: here it makes set-ups differ by less than the least record counts, and that of a carrier
 * which froze before a limit was known was longer.
 */
export interface Allowance {
  up: number;
  down: number;
}

export const UNLIMITED: Allowance = { up: Infinity, down: Infinity };

/** What is known of a network that freezes connections; without it that is learned. */
export interface PathOptions {
  /**
   * Assumed until there is something better: what a connection to the relay may carry after its set-up, in bytes; at least
   * 4000.
   */
  limit?: number;
  /** Milliseconds between two handshakes while a limit is known; default 500. */
  gap?: number;
}

/** What one carrier has carried, of what it may. */
export class CarrierUsage {
  readonly #carrier: Carrier;
  readonly given: Allowance;
  /** When it took over. */
  readonly since: number;
  /** What has certainly come through, both ways together. */
  carried = 0;
  #sentBefore = 0;

  constructor(carrier: Carrier, given: Allowance, since: number) {
    this.#carrier = carrier;
    this.given = given;
    this.since = since;
  }

  /** To be called for each record that has come. What was sent since the one before it may still be under way. */
  heard(): void {
    this.carried = this.#carrier.heard + this.#sentBefore;
    this.#sentBefore = this.#carrier.sent;
  }

  get isLimited(): boolean {
    return this.given !== UNLIMITED;
  }

  /** A third is left, in one direction, for the time that the next carrier takes. */
  get isNearlyUsedUp(): boolean {
    const { up, down } = this.given;
    const isLow = (share: number, used: number) => share - used < Math.max(share / 3, RECORD_COST_MIN);
    return isLow(up, this.#carrier.sent) || isLow(down, this.#carrier.heard);
  }

  /** The relay may still say something on it: where it may not, its silence means nothing. */
  get mayBeAnswered(): boolean {
    return this.given.down - this.#carrier.heard >= RECORD_COST_MIN;
  }

  /** The part of it that came down, 0 to 1. */
  get down(): number {
    const { sent, heard } = this.#carrier;
    return heard / Math.max(1, sent + heard);
  }
}

export class Path {
  readonly #clock: Clock;
  /** Both ways together; `undefined` while none is known. */
  #limit: number | undefined;
  #gap = HANDSHAKE_GAP;
  /** What sessions do when carriers are found to freeze. */
  readonly #watchers = new Set<() => void>();
  /** The first carrier that froze while no limit was known. */
  #suspicion: { at: number; carried: number } | undefined;
  #frozenAt = -Infinity;
  /** The most that a carrier has carried on this network. */
  #proven = 0;
  /** The limit is not tried again before this. */
  #growsFrom = 0;
  #handshakes: Promise<unknown> = Promise.resolve();
  #lastHandshake = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  tune({ limit, gap }: PathOptions = {}): void {
    if (limit !== undefined) this.#limit ??= Math.max(limit, ALLOWANCE_MIN);
    if (gap !== undefined) this.#gap = gap;
  }

  get isLimited(): boolean {
    return this.#limit !== undefined;
  }

  /** @param down the part of it that was for what came down lately, 0 to 1 */
  allowance(down: number): Allowance {
    if (this.#limit === undefined) return UNLIMITED;
    // A direction that carries nothing but ACKs still needs room for them.
    const share = Math.round(this.#limit * Math.min(1 - SHARE_MIN, Math.max(SHARE_MIN, down)));
    return { up: this.#limit - share, down: share };
  }

  /** Another carrier got through where this one had gone silent. */
  froze(usage: CarrierUsage): void {
    this.#proven = Math.max(this.#proven, usage.carried);
    if (this.#limit === undefined) this.#suspect(usage);
    else if (usage.given.up + usage.given.down <= this.#limit) this.#shrink(this.#limit, usage);
    this.#frozenAt = this.#clock.now();
    for (const tell of this.#watchers) tell();
  }

  /** One alone may be a train in a tunnel. A second one must have begun after it. */
  #suspect({ carried, since }: CarrierUsage): void {
    if (carried > ALLOWANCE_MAX) return;
    const first = this.#suspicion;
    if (!first || !this.isSuspect) this.#suspicion = { at: this.#clock.now(), carried };
    else if (since > first.at) this.#limit = Math.max(ALLOWANCE_MIN, Math.min(first.carried, carried));
  }

  /** Not for a carrier that began before the limit was known, or had more: it says nothing new. */
  #shrink(limit: number, { carried }: CarrierUsage): void {
    const less = Math.min(limit / GROWTH, Math.max(carried, limit / 2));
    this.#limit = Math.max(ALLOWANCE_MIN, less, this.#proven / PROVEN_PART);
    this.#growsFrom = this.#clock.now() + GROWTH_PAUSE;
  }

  /** A carrier froze lately: others may have, and nobody has noticed. */
  get isSuspect(): boolean {
    return this.#clock.now() - this.#frozenAt < SUSPICION_TIME;
  }

  /** @param tell is called when carriers are found to freeze, until the returned function is called */
  watch(tell: () => void): () => void {
    this.#watchers.add(tell);
    return () => this.#watchers.delete(tell);
  }

  /** This carrier had carried what it may, and was still alive: the next may carry a little more. */
  held({ given, carried }: CarrierUsage): void {
    this.#proven = Math.max(this.#proven, carried);
    if (this.#limit === undefined || this.#clock.now() < this.#growsFrom) return;
    // One from before that says nothing, nor one that has yet to hear of most of what it has sent.
    const least = given === UNLIMITED ? this.#limit : this.#limit / 2;
    if (given.up + given.down < this.#limit || carried < least) return;
    const more = this.#limit * GROWTH;
    this.#limit = more > ALLOWANCE_MAX ? undefined : more;
  }

  /** It leads elsewhere now: what was learned is tried again sooner. */
  changed(): void {
    this.#growsFrom = 0;
    this.#proven = 0;
  }

  /**
   * Runs a handshake: at once, or, where a limit is known, after those before it, each some time after the last. Many at once
   * are a sign of their own.
   * @param isWanted is asked when its turn comes
   */
  inTurn<T>(isWanted: () => boolean, run: () => Promise<T>): Promise<T | undefined> {
    if (!this.isLimited) return run();
    const turn = this.#handshakes.then(async () => {
      if (!isWanted()) return undefined;
      const wait = this.#lastHandshake + this.#gap - this.#clock.now();
      if (wait > 0) await new Promise<void>((resolve) => void this.#clock.after(wait, resolve));
      this.#lastHandshake = this.#clock.now();
      return run();
    });
    this.#handshakes = turn.catch(() => {});
    return turn;
  }
}

/** The step by which a limit is tried upwards, and the one by which it shrinks. */
const GROWTH = 5 / 4;

/** By the relay's host: the network sees no more of it. */
const paths = new Map<string, Path>();

export function pathTo(origin: string): Path {
  let path = paths.get(origin);
  if (!path) {
    path = new Path(clock);
    paths.set(origin, path);
  }
  return path;
}
