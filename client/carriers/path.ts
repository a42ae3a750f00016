/**
 * What this process knows of the network between it and a relay. Some networks let a connection carry some 16 KB, or 25
 * packets. Then they let nothing through, and give no sign. A client that knows the limit can move to the next carrier
 * before the limit is reached.
 */
import type { Carrier } from '../../protocol/carrier/carrier.ts';
import { RECORD_COST_MIN } from '../../protocol/limits.ts';
import type { Clock } from '../../protocol/waiting.ts';
import { clock } from '../clock.ts';

/**
 * The bounds of a limit: what a carrier may carry after its set-up, both ways together. A carrier takes 5 to 8 KB to
 * set up; below ALLOWANCE_MIN the set-up would be nearly all of its bytes. A limit above ALLOWANCE_MAX counts as none:
 * ordinary networks freeze so rarely that it costs less to wait.
 */
export const ALLOWANCE_MIN = 4000;
export const ALLOWANCE_MAX = 512 * 1024;

/**
 * A network carries again what it has carried once. But small records count for up to this many times their length, and
 * a picture consists of large records. So no limit is taken to be below the proven amount divided by this number:
 * connections may freeze for another reason, like their age.
 */
const PROVEN_PART = 5;

/** The least part of a limit that one direction gets: an ACK and a PING each way. */
const SHARE_MIN = 1 / 3;

/** When two carriers in a row freeze within this time, the network is taken to be the cause. */
export const SUSPICION_TIME = 60_000;

/** After a carrier froze with an amount that others had carried, nothing larger is tried for this time. */
export const GROWTH_PAUSE = 10 * 60_000;

/**
 * The time between two handshakes with one relay, where a limit is known. Such networks punish many handshakes at once
 * to one name.
 */
export const HANDSHAKE_GAP = 500;

/**
 * What a carrier may carry after its grant, in bytes as `costOf` counts them; Infinity where no limit is known. The
 * random padding of hello and grant is not counted. On a limited path the padding makes set-ups differ by less than the
 * smallest record counts. A carrier that froze before a limit was known had longer padding.
 */
export interface Allowance {
  up: number;
  down: number;
}

export const UNLIMITED: Allowance = { up: Infinity, down: Infinity };

/** What the app knows of a network that freezes connections. Without these options the client learns it. */
export interface PathOptions {
  /**
   * The limit to assume until a better one is learned: what a connection to the relay may carry after its set-up, in
   * bytes; at least 4000.
   */
  limit?: number;
  /** Milliseconds between two handshakes while a limit is known; default 500. */
  gap?: number;
}

/** What one carrier has carried, out of its allowance. */
export class CarrierUsage {
  readonly #carrier: Carrier;
  readonly given: Allowance;
  /** When the carrier took over. */
  readonly since: number;
  /** Bytes that have certainly come through, both ways together. */
  carried = 0;
  #sentBefore = 0;

  constructor(carrier: Carrier, given: Allowance, since: number) {
    this.#carrier = carrier;
    this.given = given;
    this.since = since;
  }

  /** Call this for each record that arrives. What was sent since the previous record may still be under way. */
  heard(): void {
    this.carried = this.#carrier.heard + this.#sentBefore;
    this.#sentBefore = this.#carrier.sent;
  }

  get isLimited(): boolean {
    return this.given !== UNLIMITED;
  }

  /** At most a third is left in one direction. The next carrier needs that much while it opens. */
  get isNearlyUsedUp(): boolean {
    const { up, down } = this.given;
    const isLow = (share: number, used: number) => share - used < Math.max(share / 3, RECORD_COST_MIN);
    return isLow(up, this.#carrier.sent) || isLow(down, this.#carrier.heard);
  }

  /** The relay may still send a record on this carrier. Where it may not, its silence means nothing. */
  get mayBeAnswered(): boolean {
    return this.given.down - this.#carrier.heard >= RECORD_COST_MIN;
  }

  /** The part of the carrier's bytes that came down, 0 to 1. */
  get down(): number {
    const { sent, heard } = this.#carrier;
    return heard / Math.max(1, sent + heard);
  }
}

export class Path {
  readonly #clock: Clock;
  /** The limit in bytes, both ways together; `undefined` while none is known. */
  #limit: number | undefined;
  #gap = HANDSHAKE_GAP;
  /** Called when carriers are found to freeze; each session adds one. */
  readonly #watchers = new Set<() => void>();
  /** The first carrier that froze while no limit was known. */
  #suspicion: { at: number; carried: number } | undefined;
  #frozenAt = -Infinity;
  /** The most that a carrier has carried on this network. */
  #proven = 0;
  /** No larger limit is tried before this time. */
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

  /** @param down the part of the traffic that came down lately, 0 to 1 */
  allowance(down: number): Allowance {
    if (this.#limit === undefined) return UNLIMITED;
    // A direction that carries nothing but ACKs still needs room for them.
    const share = Math.round(this.#limit * Math.min(1 - SHARE_MIN, Math.max(SHARE_MIN, down)));
    return { up: this.#limit - share, down: share };
  }

  /** Records that this carrier had gone silent when another carrier got through. */
  froze(usage: CarrierUsage): void {
    this.#proven = Math.max(this.#proven, usage.carried);
    if (this.#limit === undefined) this.#suspect(usage);
    else if (usage.given.up + usage.given.down <= this.#limit) this.#shrink(this.#limit, usage);
    this.#frozenAt = this.#clock.now();
    for (const tell of this.#watchers) tell();
  }

  /** One frozen carrier may be a train in a tunnel. A second one must have begun after the first one froze. */
  #suspect({ carried, since }: CarrierUsage): void {
    if (carried > ALLOWANCE_MAX) return;
    const first = this.#suspicion;
    if (!first || !this.isSuspect) this.#suspicion = { at: this.#clock.now(), carried };
    else if (since > first.at) this.#limit = Math.max(ALLOWANCE_MIN, Math.min(first.carried, carried));
  }

  /**
   * Lowers the limit. Not for a carrier that began before the limit was known, or was allowed more: it says nothing
   * new.
   */
  #shrink(limit: number, { carried }: CarrierUsage): void {
    const less = Math.min(limit / GROWTH, Math.max(carried, limit / 2));
    this.#limit = Math.max(ALLOWANCE_MIN, less, this.#proven / PROVEN_PART);
    this.#growsFrom = this.#clock.now() + GROWTH_PAUSE;
  }

  /** A carrier froze lately. Others may have frozen too, without anybody noticing. */
  get isSuspect(): boolean {
    return this.#clock.now() - this.#frozenAt < SUSPICION_TIME;
  }

  /**
   * @param tell called when carriers are found to freeze
   * @returns a function that stops this
   */
  watch(tell: () => void): () => void {
    this.#watchers.add(tell);
    return () => this.#watchers.delete(tell);
  }

  /** This carrier had carried its allowance, and was still alive. The next carrier may carry a little more. */
  held({ given, carried }: CarrierUsage): void {
    this.#proven = Math.max(this.#proven, carried);
    if (this.#limit === undefined || this.#clock.now() < this.#growsFrom) return;
    // A carrier with a smaller allowance says nothing about the limit. Nor does a carrier that has not yet heard of
    // most of what it has sent.
    const least = given === UNLIMITED ? this.#limit : this.#limit / 2;
    if (given.up + given.down < this.#limit || carried < least) return;
    const more = this.#limit * GROWTH;
    this.#limit = more > ALLOWANCE_MAX ? undefined : more;
  }

  /** The network has changed and the path leads elsewhere: test sooner what was learned. */
  changed(): void {
    this.#growsFrom = 0;
    this.#proven = 0;
  }

  /**
   * Runs a handshake. Where no limit is known, runs it at once. Otherwise runs it after the earlier handshakes, each
   * some time after the last: many at once are suspicious in themselves.
   * @param isWanted is asked when the handshake's turn comes
   * @returns the result of `run`; `undefined` if the handshake was not wanted any more
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

/** The step by which a limit grows when it is tested, and the least step by which it shrinks. */
const GROWTH = 5 / 4;

/** Paths by the relay's origin: the network sees no more than the host. */
const paths = new Map<string, Path>();

export function pathTo(origin: string): Path {
  let path = paths.get(origin);
  if (!path) {
    path = new Path(clock);
    paths.set(origin, path);
  }
  return path;
}
