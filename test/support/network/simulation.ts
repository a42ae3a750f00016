/**
 * A world in which two sessions meet without sockets, keys or real time: a clock that jumps from event to event, links
 * that deliver records late, in order, or not at all, and apps that write and read at a pace of their own. Everything
 * follows from the seed, so what went wrong once goes wrong again.
 */
import type { Bytes } from '../../../protocol/bytes.ts';
import { costOf } from '../../../protocol/carrier/carrier.ts';
import type { Code } from '../../../protocol/errors.ts';
import { RECORD_COST_MIN, RECORD_MAX, TAG, WINDOW_INITIAL, WINDOW_MAX } from '../../../protocol/limits.ts';
import { CLIENT_END } from '../../../protocol/session/client-end.ts';
import { decodeFrames, encodeFrames, type Frame } from '../../../protocol/session/frames.ts';
import type { FrameSink, SessionParts } from '../../../protocol/session/parts.ts';
import { relayEnd } from '../../../protocol/session/relay-end.ts';
import { Session } from '../../../protocol/session/session.ts';
import type { MemoryBudget } from '../../../protocol/session/window.ts';
import type { Clock } from '../../../protocol/waiting.ts';
import { Carriers } from '../../../worker/session/carriers.ts';
import { Ending } from '../../../worker/session/ending.ts';
import { KnownBytes, KnownBytesCheck } from '../fixtures/bytes.ts';

/** A small generator with a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, not including, 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.between(0, choices.length - 1)] ?? choices[0];
  }

  bytes(length: number): Bytes {
    return Uint8Array.from({ length }, () => this.between(0, 255));
  }
}

/** Every padding and every pause is the longest that there may be. */
export class Longest extends Random {
  override bytes(length: number): Bytes {
    return new Uint8Array(length).fill(0xff);
  }
}

// --- time ---------------------------------------------------------------------------------------------------------

interface Moment {
  at: number;
  /** What is due at the same time happens in the order in which it was asked for. */
  turn: number;
  run: (() => void) | undefined;
}

const before = (one: Moment, other: Moment) => one.at < other.at || (one.at === other.at && one.turn < other.turn);

/** Far more than ever happens at one time. */
const SAME_TIME_MAX = 100_000;

/** Virtual time: a heap of what is still to happen. */
export class Timeline {
  now = 0;
  #turn = 0;
  #sameTime = 0;
  readonly #heap: Moment[] = [];

  /** Runs after `ms`, unless the returned function is called first. */
  after(ms: number, run: () => void): () => void {
    const moment: Moment = { at: this.now + ms, turn: this.#turn++, run };
    this.#push(moment);
    return () => {
      moment.run = undefined;
    };
  }

  /** Runs what is due next; false when nothing is. */
  step(until = Number.POSITIVE_INFINITY): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (!next || next.at > until) return false;
      this.#pop();
      if (!next.run) continue;
      this.#sameTime = next.at > this.now ? 0 : this.#sameTime + 1;
      // A timer that is due again and again would go on for ever.
      if (this.#sameTime > SAME_TIME_MAX) throw new Error(`time stands still at ${this.now}`);
      this.now = Math.max(this.now, next.at);
      next.run();
      return true;
    }
  }

  runFor(ms: number): void {
    const until = this.now + ms;
    while (this.step(until));
    this.now = until;
  }

  /** Until the condition holds; throws when `ms` pass without it. */
  runUntil(what: string, holds: () => boolean, ms = 600_000): void {
    const until = this.now + ms;
    while (!holds()) if (!this.step(until)) throw new Error(`not within ${ms} ms: ${what}`);
  }

  #push(moment: Moment): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Moment;
      if (!before(moment, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = moment;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Moment;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < heap.length && before(heap[child + 1] as Moment, heap[child] as Moment)) child += 1;
      const below = heap[child];
      if (!below || !before(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

/** One session's view of the time; counts what it has set and not yet cancelled. */
export class CountedClock implements Clock {
  readonly #timeline: Timeline;
  timers = 0;
  /** Every timer that ever fired. */
  fired = 0;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  now(): number {
    return this.#timeline.now;
  }

  after(ms: number, run: () => void): () => void {
    this.timers += 1;
    let live = true;
    const cancel = this.#timeline.after(ms, () => {
      live = false;
      this.timers -= 1;
      this.fired += 1;
      run();
    });
    return () => {
      if (live) this.timers -= 1;
      live = false;
      cancel();
    };
  }
}

/** Counts what is reserved; refuses as it is told. */
export class CountedBudget implements MemoryBudget {
  reserved = 0;
  peak = 0;
  max = Number.POSITIVE_INFINITY;
  growthMax = Number.POSITIVE_INFINITY;

  reserve(bytes: number, growth: boolean): boolean {
    if (this.reserved + bytes > (growth ? this.growthMax : this.max)) return false;
    this.reserved += bytes;
    this.peak = Math.max(this.peak, this.reserved);
    return true;
  }

  release(bytes: number): void {
    this.reserved -= bytes;
    if (this.reserved < 0) throw new Error('released more than was reserved');
  }
}

// --- one end ------------------------------------------------------------------------------------------------------

/** Where a session stands at first. */
export const FIRST_OFFSETS = { received: 0, limit: WINDOW_INITIAL };

type Offsets = { received: number; limit: number };

/** What a relay is set to by default, in milliseconds. */
const RESUME_PATIENCE = 120_000;

/** A session whose account is kept of what it is given. */
class WatchedSession extends Session {
  readonly #end: End;

  constructor(end: End, parts: SessionParts) {
    super(parts);
    this.#end = end;
  }

  override attach(carrier: Sink, peer: Offsets, advertised: Offsets, resumable: boolean, first?: Frame[]): void {
    this.#end.link = carrier.link;
    this.#end.acked = Math.max(this.#end.acked, peer.received);
    super.attach(carrier, peer, advertised, resumable, first);
  }

  override receive(frames: Frame[]): void {
    this.#end.isGiven(frames);
    super.receive(frames);
  }
}

/** A session and what is around it. It keeps its own account of what was said, to hold the session against it. */
export class End {
  readonly name: 'client' | 'relay';
  readonly clock: CountedClock;
  readonly budget = new CountedBudget();
  readonly session: Session;
  readonly #timeline: Timeline;
  /** What `ended` was told, each time; at most once, then. */
  readonly outcomes: (Code | 'clean')[] = [];
  /** Every record sent while this is set, by when. */
  log: { at: number; frames: Frame[] }[] | undefined;
  onReadable = () => {};
  onWritable = () => {};
  onStalled = () => {};
  onEnded = () => {};
  onDetached = () => {};

  link: Link | undefined;
  /** A record has come, on any link. */
  hasHeard = false;
  resumable = false;
  /** The relay's, once the session is granted: those that the real one has. */
  #carriers: Carriers | undefined;

  /** The highest limit that this end has told. */
  limitTold = WINDOW_INITIAL;
  /** The end of the data that has come. */
  arrived = 0;
  /** What the peer has acknowledged to this end. */
  acked = 0;
  accepted = 0;
  consumed = 0;
  /** The peer reads no more: what is written from then on goes nowhere. */
  isStopped = false;

  constructor(name: 'client' | 'relay', timeline: Timeline, random: Random, prepare?: (budget: CountedBudget) => void) {
    this.name = name;
    this.#timeline = timeline;
    this.clock = new CountedClock(timeline);
    prepare?.(this.budget);
    this.session = new WatchedSession(this, {
      end: name === 'client' ? CLIENT_END : relayEnd(),
      clock: this.clock,
      random: (length) => random.bytes(length),
      budget: this.budget,
      events: {
        readable: () => this.onReadable(),
        writable: () => this.onWritable(),
        stalled: () => this.onStalled(),
        ended: (code) => {
          this.outcomes.push(code ?? 'clean');
          this.#carriers?.end();
          this.onEnded();
        },
      },
    });
  }

  get over(): boolean {
    return this.outcomes.length > 0;
  }

  write(bytes: Bytes, owned = false): number {
    const accepted = this.session.write(bytes, owned);
    if (!this.isStopped) this.accepted += accepted;
    return accepted;
  }

  consume(length: number): void {
    this.consumed += length;
    this.session.consumed(length);
    this.session.flush();
  }

  /** What goes into a hello or grant. */
  offsets(): Offsets {
    const offsets = this.session.offsets();
    this.limitTold = Math.max(this.limitTold, offsets.limit);
    return offsets;
  }

  /** The relay's: it has granted this link. */
  grants(link: Link, peer: Offsets, advertised: Offsets): void {
    const sink = link.sinkOf(this);
    if (this.#carriers) return this.#carriers.expect(sink, peer, advertised);
    this.#carriers = new Carriers(this.session, this.clock, this.resumable ? RESUME_PATIENCE : 0, {
      heard: () => {},
      waits: () => {
        this.link = undefined;
        this.onDetached();
      },
    });
    this.#carriers.begin(sink, peer, advertised);
  }

  /** The client's: it was granted this link, which takes over from the one before. */
  attach(link: Link, peer: Offsets, advertised: Offsets): void {
    if (this.link && this.link !== link) {
      this.session.detach();
      this.link.sinkOf(this).close();
    }
    this.session.attach(link.sinkOf(this), peer, advertised, this.resumable);
  }

  detach(): void {
    this.link = undefined;
    this.session.detach();
    this.onDetached();
  }

  sends(frames: Frame[]): void {
    // DATA is a view of what is kept for replay, whose memory is freed with its ACK.
    const kept = frames.map((frame) => (frame.type === 'data' ? { ...frame, bytes: frame.bytes.slice() } : frame));
    this.log?.push({ at: this.#timeline.now, frames: kept });
    for (const frame of frames) if (frame.type === 'ack') this.limitTold = Math.max(this.limitTold, frame.limit);
  }

  /** A record came over this link. */
  hears(link: Link, frames: Frame[]): void {
    if (this.#carriers) return this.#carriers.frames(link.sinkOf(this), frames);
    if (this.link === link) this.session.receive(frames);
  }

  /** These go to the session, or its first do. */
  isGiven(frames: Frame[]): void {
    this.hasHeard ||= this.link !== undefined;
    for (const frame of frames) {
      if (frame.type === 'ack') this.acked = Math.max(this.acked, frame.received);
      if (frame.type === 'stop') this.isStopped = true;
      if (frame.type === 'data') this.arrived = Math.max(this.arrived, frame.offset + frame.bytes.length);
    }
  }

  loses(link: Link): void {
    if (this.#carriers) return this.#carriers.lost(link.sinkOf(this));
    if (this.link !== link) return;
    if (this.resumable && !this.over) return this.detach();
    this.link = undefined;
    this.session.abandon('carrier-lost');
  }

  /** Throws when the session holds or promises more than it may. */
  check(): void {
    const outgoing = this.accepted - Math.min(this.acked, this.accepted);
    const incoming = this.arrived - this.consumed;
    const wrong = (what: string) => new Error(`${this.name}: ${what} at ${this.#timeline.now}`);
    if (outgoing > WINDOW_MAX) throw wrong(`${outgoing} bytes kept for replay`);
    if (this.limitTold > this.consumed + WINDOW_MAX) throw wrong('promised more than a window');
    if (this.over) return;
    if (incoming > WINDOW_MAX) throw wrong(`${incoming} bytes wait for the app`);
    if (outgoing + incoming > this.budget.reserved) throw wrong('holds more than it has reserved');
  }
}

// --- a link -------------------------------------------------------------------------------------------------------

/** What an end has of a link. */
export interface Sink extends FrameSink {
  readonly link: Link;
}

/** In bytes, as `costOf` counts them. */
export interface Frost {
  allowance?: number | undefined;
  carries?: number | undefined;
}

/** One carrier: delivers records in order, each after a delay, until it is closed or cut. */
export class Link {
  readonly #timeline: Timeline;
  readonly #ends: readonly [End, End];
  readonly #sinks: readonly [Sink, Sink];
  readonly #delay: () => number;
  readonly #free = { client: 0, relay: 0 };
  #cut = false;
  /** What each end may send, and what both together have sent; see `Carrier`. */
  readonly #allowance: number;
  readonly #sent = { client: 0, relay: 0 };
  /** So much of it the network carries, and nothing after it, without a word. */
  readonly #carries: number;
  onSent = () => {};

  constructor(
    timeline: Timeline,
    client: End,
    relay: End,
    delay: () => number,
    { allowance = Number.POSITIVE_INFINITY, carries = Number.POSITIVE_INFINITY }: Frost = {},
  ) {
    this.#timeline = timeline;
    this.#ends = [client, relay];
    this.#sinks = [this.#sinkFor(client), this.#sinkFor(relay)];
    this.#delay = delay;
    this.#allowance = allowance;
    this.#carries = carries;
  }

  /** What is left for the end that has less. */
  get left(): number {
    return this.#allowance - Math.max(this.#sent.client, this.#sent.relay);
  }

  /** Not before the relay has heard its client: else it lets the session go, and nothing is left to move. */
  get #isFrozen(): boolean {
    const [, relay] = this.#ends;
    return relay.hasHeard && this.#sent.client + this.#sent.relay > this.#carries;
  }

  sinkOf(end: End): Sink {
    return end === this.#ends[0] ? this.#sinks[0] : this.#sinks[1];
  }

  #sinkFor(end: End): Sink {
    let closed = false;
    const left = () => this.#allowance - this.#sent[end.name];
    return {
      link: this,
      get allowance() {
        return left();
      },
      send: (frames) => {
        if (closed) throw new Error(`${end.name} sends on a carrier that it has closed`);
        this.#send(end, frames);
      },
      close: () => {
        if (closed) return;
        closed = true;
        if (!this.#isFrozen) this.carry(end, (peer) => peer.loses(this));
      },
    };
  }

  #send(from: End, frames: Frame[]): void {
    // Its memory is used again for the next record.
    const record = encodeFrames(frames).slice();
    if (record.length + TAG > RECORD_MAX) throw new Error(`a record of ${record.length} bytes`);
    const [client, relay] = this.#ends;
    const peer = from === client ? relay : client;
    for (const frame of frames)
      if (frame.type === 'data' && frame.offset + frame.bytes.length > peer.limitTold)
        throw new Error(`${from.name} sends past the limit`);
    from.sends(frames);
    const allowed = this.#allowance - this.#sent[from.name];
    this.#sent[from.name] += costOf(record.length + TAG);
    if (allowed < RECORD_COST_MIN && frames.every(({ type }) => type !== 'reset'))
      throw new Error(`${from.name} sends past its allowance`);
    this.onSent();
    if (this.#isFrozen) return;
    this.carry(from, (to) => to.hears(this, decodeFrames(record)));
  }

  /** Does something at the other end once everything before it has arrived; not at all when the link is cut first. */
  carry(from: End, arrive: (peer: End) => void): void {
    const [client, relay] = this.#ends;
    const at = Math.max(this.#free[from.name], this.#timeline.now + this.#delay());
    this.#free[from.name] = at;
    this.#timeline.after(at - this.#timeline.now, () => {
      if (!this.#cut) arrive(from === client ? relay : client);
    });
  }

  /** What is under way is lost; each end learns of it later, if at all. */
  cut(noticed: { client?: number; relay?: number } = { client: 0, relay: 0 }): void {
    this.#cut = true;
    for (const end of this.#ends) {
      const after = noticed[end.name];
      if (after !== undefined) this.#timeline.after(after, () => end.loses(this));
    }
  }
}

// --- two ends -----------------------------------------------------------------------------------------------------

export interface ConnectOptions extends Frost {
  delay?: number | (() => number);
  /** Up to this much of what was written rides in the hello. */
  earlyData?: number;
}

export class Pair {
  readonly timeline = new Timeline();
  readonly random: Random;
  readonly client: End;
  readonly relay: End;
  /** The link that the client's latest hello went over. */
  latest: Link | undefined;

  constructor(random: number | Random = 1, prepare?: (budget: CountedBudget) => void) {
    this.random = typeof random === 'number' ? new Random(random) : random;
    this.client = new End('client', this.timeline, this.random, prepare);
    this.relay = new End('relay', this.timeline, this.random, prepare);
  }

  get ends(): [End, End] {
    return [this.client, this.relay];
  }

  peerOf(end: End): End {
    return end === this.client ? this.relay : this.client;
  }

  /** Hello and grant, each under way for the link's delay. */
  connect({ delay = 50, earlyData = 0, ...frost }: ConnectOptions = {}): Link {
    const { client, relay } = this;
    const link = new Link(this.timeline, client, relay, typeof delay === 'number' ? () => delay : delay, frost);
    this.latest = link;
    const early = earlyData > 0 ? client.session.earlyData(earlyData, () => true) : new Uint8Array(0);
    const hello = { ...client.offsets() };
    link.carry(client, () => {
      if (relay.over) return this.#answerFromTombstone(link);
      if (early.length > 0) {
        relay.arrived = early.length;
        relay.session.receive([{ type: 'data', offset: 0, bytes: early }]);
      }
      const grant = { ...relay.offsets() };
      link.carry(relay, () => {
        if (this.latest === link) client.attach(link, grant, hello);
      });
      relay.grants(link, hello, grant);
    });
    return link;
  }

  /** Connects, and lets hello, grant and the first records pass. */
  join(options: ConnectOptions = {}): Link {
    const link = this.connect(options);
    this.timeline.runUntil('joined', () => this.client.link === link && this.relay.link === link);
    return link;
  }

  /** A session that has ended still says how, unless nobody came back for it. */
  #answerFromTombstone(link: Link): void {
    const { client, relay } = this;
    const [outcome] = relay.outcomes;
    const ending = new Ending(relay.offsets(), outcome === 'clean' ? undefined : outcome);
    link.carry(relay, () => {
      if (client.over) return;
      if (!ending.isTold) return client.session.abandon('session-unknown');
      client.attach(link, ending.offsets, client.offsets());
      client.session.receive(ending.record);
    });
  }

  /** Runs until both sessions are over, holding both against their accounts at every step. */
  runToEnd(ms = 3_600_000): void {
    const until = this.timeline.now + ms;
    while (!(this.client.over && this.relay.over)) {
      if (!this.timeline.step(until)) throw new Error(`not over within ${ms} ms`);
      for (const end of this.ends) end.check();
    }
  }

  /** What is left once both are over and everything was read; nothing may be. */
  leftovers(): Record<string, number> {
    const { client, relay } = this;
    return {
      clientTimers: client.clock.timers,
      relayTimers: relay.clock.timers,
      clientBytes: client.budget.reserved,
      relayBytes: relay.budget.reserved,
    };
  }
}

export const NOTHING_LEFT = { clientTimers: 0, relayTimers: 0, clientBytes: 0, relayBytes: 0 };

// --- the apps -----------------------------------------------------------------------------------------------------

export interface Pace {
  /** Bytes of one write, or the most of one read. */
  size(): number;
  /** Milliseconds to the next; 0 is at once, without leaving the event. */
  gap(): number;
}

export const AT_ONCE: Pace = { size: () => 1 << 20, gap: () => 0 };

/** Writes a known stream of `total` bytes as far as there is room, then finishes. */
export class WritingApp {
  readonly #end: End;
  readonly #timeline: Timeline;
  readonly #pace: Pace;
  readonly #source: KnownBytes;
  readonly #random: Random;
  #left: number;
  #piece: Bytes | undefined;
  #resting = false;
  #pumping = false;
  readonly #last: 'finish' | 'leave open';

  constructor(
    { timeline, random }: Pair,
    end: End,
    seed: number,
    total: number,
    pace: Pace = AT_ONCE,
    last: 'finish' | 'leave open' = 'finish',
  ) {
    this.#timeline = timeline;
    this.#random = random;
    this.#end = end;
    this.#pace = pace;
    this.#source = new KnownBytes(seed);
    this.#left = total;
    this.#last = last;
    end.onWritable = () => this.#pump();
    this.#pump();
  }

  #pump(): void {
    if (this.#resting || this.#pumping) return;
    this.#pumping = true;
    while (!this.#resting && !this.#end.over && this.#writePiece()) this.#rest();
    this.#pumping = false;
  }

  #rest(): void {
    const gap = this.#pace.gap();
    if (gap === 0) return;
    this.#resting = true;
    this.#timeline.after(gap, () => {
      this.#resting = false;
      this.#pump();
    });
  }

  /** False when there is no room, or nothing left. */
  #writePiece(): boolean {
    const { session } = this.#end;
    if (!this.#piece) {
      if (this.#left === 0) return this.#complete();
      const size = Math.max(1, Math.min(this.#left, this.#pace.size()));
      this.#piece = Uint8Array.from(this.#source.next(size));
      this.#left -= size;
    }
    const piece = this.#piece;
    const room = session.roomFor(piece.length);
    const owned = this.#random.chance(0.5);
    const accepted = this.#end.write(piece, owned);
    if (accepted !== room) throw new Error(`room for ${room}, but ${accepted} accepted`);
    this.#piece = accepted === piece.length ? undefined : piece.slice(accepted);
    // Not owned means that the app may use them for something else at once.
    if (!owned) piece.fill(0xaa);
    session.flush();
    return this.#piece === undefined;
  }

  #complete(): false {
    if (this.#last === 'finish') this.#end.session.finish();
    this.#end.session.flush();
    this.#resting = true;
    return false;
  }
}

/** Reads and checks a known stream. What it has read counts as consumed after the next gap. */
export class ReadingApp {
  readonly #end: End;
  readonly #timeline: Timeline;
  readonly #pace: Pace;
  readonly #check: KnownBytesCheck;
  #resting = false;
  /** Whether the end of the stream was seen. */
  drained = false;

  constructor({ timeline }: Pair, end: End, seed: number, pace: Pace = AT_ONCE) {
    this.#timeline = timeline;
    this.#end = end;
    this.#pace = pace;
    this.#check = new KnownBytesCheck(seed);
    end.onReadable = () => this.#pump();
    const { onEnded } = end;
    end.onEnded = () => {
      onEnded();
      this.#pump();
    };
    this.#pump();
  }

  get length(): number {
    return this.#check.length;
  }

  #pump(): void {
    while (!this.#resting) {
      const bytes = this.#end.session.take();
      if (!bytes) break;
      if (this.drained) throw new Error('bytes after the end');
      this.#check.feed(bytes);
      const gap = this.#pace.gap();
      if (gap === 0) {
        this.#end.consume(bytes.length);
        continue;
      }
      this.#resting = true;
      this.#timeline.after(gap, () => {
        this.#resting = false;
        this.#end.consume(bytes.length);
        this.#pump();
      });
    }
    if (this.#end.session.drained) this.drained = true;
  }
}
