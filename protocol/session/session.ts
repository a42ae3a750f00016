/**
 * One app socket's two byte streams, at one end: when to send what, when to acknowledge, when to give up. A session
 * outlives its carriers: every byte has an offset, what was sent is kept until the peer has received it, and a next
 * carrier goes on where the peer's `received` stands. The streams themselves are in outgoing.ts and incoming.ts.
 *
 * Nothing here knows of sockets, keys or real time: frames come in by `receive`, go out by `carrier.send`, and the
 * clock is passed in, so that a test can run hours of it in a moment.
 */
import { type Bytes, evenly, type RandomBytes, Reader } from '../bytes.ts';
import { type Code, PuenteError, resetOf, toWire } from '../errors.ts';
import {
  ACK_DELAY,
  ACK_DELAY_MIN,
  ANSWER_TIMEOUT,
  DATA_MAX,
  FIRST_RECORD_TIMEOUT,
  HALF_CLOSED_MAX,
  IDLE_MAX,
  KEEPALIVE,
  KEEPALIVE_MIN,
  LINGER,
  LONE_PAD_MAX,
  PACKET_DATA,
  PAD_MAX,
  PADDED_RECORDS,
  PING_EVERY,
  PING_EVERY_MIN,
  PROBE_AFTER,
  PROBE_TIMEOUT,
  PROOF_RECORDS,
  RECORD_COST_MIN,
  STALL_MAX,
  STALL_MIN,
  STALL_MIN_LIMITED,
  UNOPENED_RECORDS_MAX,
  WINDOW_INITIAL,
} from '../limits.ts';
import type { Frame, Offsets } from './frames.ts';
import { Incoming } from './incoming.ts';
import { Outgoing } from './outgoing.ts';
import type { Budget } from './window.ts';

/** Assumed where none was measured yet. */
const ROUND_TRIP_MAX = 500;

export interface Clock {
  /** Milliseconds; only differences count. */
  now(): number;
  /** Runs once after `ms`, unless the returned function is called first. */
  after(ms: number, run: () => void): () => void;
}

/** What a session needs of a carrier. */
export interface FrameSink {
  /** What may still be sent, on a path that carries only so much: see `Carrier`. Without it, as much as one likes. */
  readonly allowance?: number;
  send(frames: Frame[]): void;
  close(): void;
}

export interface SessionEvents {
  /** There is something to `take`, or the end. */
  readable(): void;
  /** There may be `room` again. */
  writable(): void;
  /**
   * The carrier looks dead. At the client of a resumable session another should be opened beside it; this is called again, after
   * twice the time, while that does not help. At the relay the carrier is to be dropped: its client does not answer.
   */
  stalled(): void;
  /**
   * The session is over on the wire; called once. Without a code both streams came to their end. What was received
   * can still be taken then, and after `abandon`.
   */
  ended(code?: Code): void;
}

export interface SessionParts {
  end: 'client' | 'relay';
  clock: Clock;
  /** For padding, times, and what a PING proves. */
  random: RandomBytes;
  budget: Budget;
  /** At the relay: a client that was not heard for so many milliseconds is asked with the next keepalive; 0: with each. */
  askAfter?: number;
  events: SessionEvents;
}

/** A time that does not come. */
const NEVER = Infinity;

/** How far a carrier has got. */
interface Flight {
  offset: number;
  records: number;
}

export class Session {
  readonly #parts: SessionParts;
  #carrier: FrameSink | undefined;
  #over = false;

  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  /** The app has closed: a STOP is to tell the peer so on this carrier, or has. */
  #stop: 'due' | 'sent' | undefined;
  #resumable = true;

  /** What the peer last heard of our offsets. */
  #told: Offsets = { received: 0, limit: 0 };

  #ackAt = NEVER;
  #pong: number | undefined;
  /** Not yet answered; `upTo` is where this carrier stood when it was sent. */
  #ping: { id: number; sentAt: number; upTo: Flight } | 'due' | undefined;
  /**
   * What has certainly arrived on this carrier. An ACK may be a guess, made to have us fill a socket that nobody reads;
   * the answer to a PING with a random id cannot be.
   */
  #proven: Flight = { offset: 0, records: 0 };
  #roundTrip: number | undefined;
  #lastPing = -NEVER;
  /** When the first DATA came since the last PING, which proves nothing of what comes after it. */
  #heardUnasked = NEVER;
  /** Since when the peer has had data on its way and acknowledged nothing. */
  #unmovedSince = NEVER;
  /** How often in a row `stalled` was called and nothing moved, and when the last time. */
  #stalls = 0;
  #stalledAt = -NEVER;
  #attachedAt = 0;
  #records = 0;
  #lastSent = 0;
  #lastHeard = 0;
  #silentSince = NEVER;
  /** When the app or its backend last said something. */
  #lastData: number;
  #lingerUntil = NEVER;
  // Random times, each drawn anew once it is used: on the wire none is constant.
  #silence: number;
  #ackDelay: number;
  #pingPause: number;
  #timer: { at: number; cancel: () => void } | undefined;

  /** @throws PuenteError `full` when the budget does not hold two more windows. */
  constructor(parts: SessionParts) {
    this.#parts = parts;
    if (!parts.budget.reserve(2 * WINDOW_INITIAL, false)) throw new PuenteError('full');
    this.#outgoing = new Outgoing(parts.budget);
    this.#incoming = new Incoming(parts.budget);
    this.#lastData = this.#now;
    this.#silence = this.#between(KEEPALIVE_MIN, KEEPALIVE);
    this.#ackDelay = this.#between(ACK_DELAY_MIN, ACK_DELAY);
    this.#pingPause = this.#between(PING_EVERY_MIN, PING_EVERY);
  }

  // --- the app's side -------------------------------------------------------------------------------------------

  /** Bytes that may be written now. */
  get room(): number {
    return this.#over ? 0 : this.#outgoing.room(this.#proven.offset);
  }

  /**
   * How many of `length` bytes `write` takes now. None while only few of them would fit and more room is about to
   * come, as a small record costs nearly as much as a large one. All, to be dropped, where the peer reads no more.
   */
  roomFor(length: number): number {
    if (this.#outgoing.isStopped) return length;
    const { room } = this;
    return room < Math.min(length, DATA_MAX) && this.#outgoing.awaitsAck ? 0 : Math.min(length, room);
  }

  /**
   * Takes as many of the bytes as there is room for, and says how many; they leave with the next `flush`.
   * @param owned nobody will write to these bytes any more, so that they need not be copied.
   */
  write(bytes: Bytes, owned = false): number {
    const accepted = bytes.subarray(0, this.roomFor(bytes.length));
    if (accepted.length > 0) this.#lastData = this.#now;
    this.#outgoing.push(accepted, owned);
    return accepted.length;
  }

  /** The app writes no more: a half-close. */
  finish(): void {
    this.#outgoing.finish();
  }

  /** The next bytes in order, out of the queue; `undefined` when there are none now. */
  take(): Bytes | undefined {
    const bytes = this.#incoming.take();
    if (this.#over) this.#incoming.releaseWhenEmpty();
    return bytes;
  }

  /** The peer has finished, and everything was taken. */
  get drained(): boolean {
    return this.#incoming.drained;
  }

  /** The app is done with this many of the bytes taken: the peer may send as many more. */
  consumed(length: number): void {
    if (this.#over || this.#stop) return;
    this.#incoming.consume(length, this.#now);
    this.#oweAck();
  }

  /** The app reads no more and has written all: what was written is still delivered, unless nothing moves for LINGER. */
  close(): void {
    if (this.#over || this.#stop) return;
    this.#incoming.clear();
    // Nothing was said, and nothing was granted: there is nothing to deliver.
    if (this.#outgoing.untouched) return this.#end();
    this.#outgoing.finish();
    this.#stop = 'due';
    this.#lingerUntil = this.#now + LINGER;
    this.flush();
  }

  /** Ends the session at both ends, now, for this reason. */
  reset(code: Code): void {
    if (this.#over) return;
    this.#carrier?.send([{ type: 'reset', code: toWire(code) }]);
    this.#incoming.clear();
    this.#end(code);
  }

  /** Ends the session at this end alone: there is nobody to tell. */
  abandon(code: Code): void {
    this.#end(code);
  }

  /** Nobody will take what is left. */
  discard(): void {
    this.#incoming.clear();
    if (this.#over) this.#incoming.releaseWhenEmpty();
  }

  /** Smoothed round trip to the peer in milliseconds, once one was measured. */
  get roundTrip(): number | undefined {
    return this.#roundTrip;
  }

  /** Whether `stalled` was called for this carrier, and nothing has moved since. */
  get isStalled(): boolean {
    return this.#stalls > 0 && this.#stalledAt > this.#attachedAt;
  }

  /** Whether an answer is missing that should have come, though too soon to call the carrier stalled. */
  get isOverdue(): boolean {
    const due = this.#waitingSince + ACK_DELAY + 2 * (this.#roundTrip ?? ROUND_TRIP_MAX);
    return this.isStalled || due <= this.#now;
  }

  /** Asks for an answer with the next record: it measures the round trip, and proves what has arrived. */
  ping(): void {
    this.#ping ??= 'due';
  }

  // --- the carrier's side ---------------------------------------------------------------------------------------

  /**
   * The first bytes written, to ride in the hello, when they may: they count as sent from then on. EMPTY otherwise.
   * @param max more than this do not fit.
   */
  earlyData(max: number, may: (first: Bytes) => boolean): Bytes {
    return this.#outgoing.earlyData(max, may);
  }

  /** What a hello or grant tells the peer: how far we have received, how far it may send. */
  offsets(): Offsets {
    const { received, limit } = this.#incoming;
    return { received, limit };
  }

  /**
   * Goes on over this carrier, from where the peer stands by its hello or grant. Ends the session with `bad-offset`
   * when that cannot be.
   * @param told the offsets that our own hello or grant told the peer
   * @param resumable whether another carrier may come after it
   * @param first the record with which the peer has begun to use it, if that is why we do
   */
  attach(carrier: FrameSink, peer: Offsets, told: Offsets, resumable: boolean, first: Frame[] = []): void {
    if (this.#over) return carrier.close();
    const opening = this.#outgoing.unanswered;
    this.#carrier = carrier;
    this.#resumable = resumable;
    this.#told = told;
    this.#ackAt = NEVER;
    this.#oweAck();
    this.#records = 0;
    if (this.#stop) this.#stop = 'due';
    this.#attachedAt = this.#now;
    this.#lastSent = this.#now;
    this.#lastHeard = this.#now;
    if (!this.#obeys(() => this.#outgoing.acknowledge(peer, this.#now))) return;
    this.#outgoing.rewind();
    this.#proven = { offset: this.#outgoing.sent, records: 0 };
    this.#ping = undefined;
    this.#unmovedSince = NEVER;
    if (this.#parts.end === 'client') {
      // The first record proves that we hold the keys. After a resume the relay waits for it to switch carriers; after
      // an opening it can wait for something to say.
      this.#ackAt = opening ? this.#now + this.#ackDelay : this.#now;
    } else this.#silentSince = this.#now;
    // Its ACK says more than its hello did, which was sent some round trips before.
    if (first.length > 0) this.receive(first);
    else this.flush();
    if (!this.#over) this.#parts.events.writable();
  }

  /** The carrier is gone; another may come. */
  detach(): void {
    this.#carrier = undefined;
    this.#ping = undefined;
    this.#pong = undefined;
  }

  /** The frames of one record. A frame that breaks the rules ends the session with its code, at both ends. */
  receive(frames: Frame[]): void {
    if (this.#over) return;
    this.#lastHeard = this.#now;
    this.#silentSince = NEVER;
    const goesOn = this.#obeys(() => {
      for (const frame of frames) if (!this.#over) this.#apply(frame);
    });
    if (goesOn) this.flush();
  }

  /** Whether the session goes on after this: what breaks the rules ends it. */
  #obeys(apply: () => void): boolean {
    try {
      apply();
    } catch (error) {
      if (!(error instanceof PuenteError)) throw error;
      this.reset(error.code);
    }
    return !this.#over;
  }

  /** Sends what may be sent now. Call after `write`, `finish` and `consumed`: once for all of a tick's. */
  flush(): void {
    while (this.#carrier && !this.#over) {
      const frames = this.#compose();
      if (!frames) break;
      // Only a peer that has us answer and reads nothing gets here.
      if (this.#unproven.records > UNOPENED_RECORDS_MAX) return this.reset('flood');
      this.#lastSent = this.#now;
      this.#carrier.send(frames);
    }
    // What is sent last may be the ACK of the peer's FIN.
    this.#settle();
    this.#arm();
  }

  // --- incoming frames ------------------------------------------------------------------------------------------

  #apply(frame: Frame): void {
    switch (frame.type) {
      case 'data':
        return this.#receiveData(frame.offset, frame.bytes);
      case 'ack':
        return this.#receiveAck(frame);
      case 'fin':
        return this.#receiveFin(frame.offset);
      case 'reset':
        this.#incoming.clear();
        // A code of a later version still ends the session.
        return this.#end(resetOf(frame.code) ?? 'aborted');
      case 'stop':
        // Its sender has written all: without its FIN this would be a stream that is cut short.
        if (!this.#incoming.finished) throw new PuenteError('bad-frame');
        this.#outgoing.stop();
        return this.#parts.events.writable();
      case 'ping':
        // One answer for all of a record's.
        this.#pong = frame.id;
        return;
      case 'pong':
        return this.#receivePong(frame.id);
      case 'pad':
        return;
    }
  }

  #receiveData(offset: number, bytes: Bytes): void {
    if (!this.#incoming.data(offset, bytes)) return;
    this.#lastData = this.#lastHeard;
    this.#heardUnasked = Math.min(this.#heardUnasked, this.#lastHeard);
    this.#oweAck();
    if (this.#stop) this.#incoming.clear();
    else this.#parts.events.readable();
  }

  #receiveFin(offset: number): void {
    if (!this.#incoming.fin(offset)) return;
    // At once: the peer waits for nothing else to end its side.
    this.#ackAt = this.#now;
    this.#parts.events.readable();
  }

  #receiveAck(peer: Offsets): void {
    const { acked } = this.#outgoing;
    this.#outgoing.acknowledge(peer, this.#now);
    if (this.#outgoing.acked > acked) this.#moved();
    this.#parts.events.writable();
  }

  #receivePong(id: number): void {
    if (typeof this.#ping !== 'object' || this.#ping.id !== id) return;
    const sample = this.#now - this.#ping.sentAt;
    // RFC 6298 section 2's smoothing.
    this.#roundTrip = this.#roundTrip === undefined ? sample : this.#roundTrip + (sample - this.#roundTrip) / 8;
    this.#proven = this.#ping.upTo;
    this.#ping = undefined;
    this.#stalls = 0;
    this.#parts.events.writable();
  }

  #moved(): void {
    // From here on a client that says nothing more keeps a half-closed session.
    if (this.#outgoing.acknowledged) this.#lastData = this.#now;
    if (this.#stop) this.#lingerUntil = this.#now + LINGER;
    this.#stalls = 0;
    this.#unmovedSince = this.#outgoing.isUnderWay ? this.#now : NEVER;
  }

  // --- outgoing frames ------------------------------------------------------------------------------------------

  /** On a path that carries only so much, when that is used up: the next carrier is awaited. */
  get #isMute(): boolean {
    return this.#allowance < RECORD_COST_MIN;
  }

  get #allowance(): number {
    return this.#carrier?.allowance ?? Infinity;
  }

  get #isLimited(): boolean {
    return this.#allowance !== Infinity;
  }

  /** App bytes in a record. */
  get #space(): number {
    return this.#isLimited ? Math.min(PACKET_DATA, this.#allowance) : DATA_MAX;
  }

  /** The next record's frames; `undefined` when there is nothing to say now. */
  #compose(): Frame[] | undefined {
    if (this.#isMute) return undefined;
    const frames: Frame[] = [];
    const rides = this.#outgoing.isDue || this.#pong !== undefined;
    if (rides ? this.#ackAt !== NEVER : this.#ackAt <= this.#now) frames.push(this.#composeAck());
    // The delay of an ACK that rides is not seen, so that most records need no draw.
    if (!rides && frames.length > 0) this.#ackDelay = this.#between(ACK_DELAY_MIN, ACK_DELAY);
    if (this.#pong !== undefined) frames.push({ type: 'pong', id: this.#pong });
    this.#pong = undefined;
    const space = this.#outgoing.compose(frames, this.#space);
    if (this.#stop === 'due' && this.#outgoing.finSent && !this.#incoming.finished) {
      frames.push({ type: 'stop' });
      this.#stop = 'sent';
    }
    if (this.#unproven.offset > this.#outgoing.proofDue || this.#unproven.records >= PROOF_RECORDS) this.ping();
    if (this.#outgoing.isUnderWay) this.#unmovedSince = Math.min(this.#unmovedSince, this.#now);
    // It proves the keys.
    if (this.#parts.end === 'client' && this.#records === 0 && frames.length > 0) this.ping();
    if (this.#ping === 'due') frames.push(this.#composePing());
    if (frames.length === 0) return undefined;
    if (!this.#isLimited) this.#pad(frames, space);
    this.#records += 1;
    return frames;
  }

  #composeAck(): Frame {
    this.#ackAt = NEVER;
    this.#told = this.offsets();
    return { type: 'ack', ...this.#told };
  }

  /**
   * A client that only receives asks as well, soon after what has come: else it would not notice that nothing more does.
   * So late that the PING rides with the ACK where little comes.
   */
  get #askAt(): number {
    if (!this.#resumable || this.#ping) return NEVER;
    return Math.max(this.#heardUnasked + this.#ackDelay, this.#lastPing + this.#pingPause);
  }

  #composePing(): Frame {
    this.#lastPing = this.#now;
    this.#pingPause = this.#between(PING_EVERY_MIN, PING_EVERY);
    this.#heardUnasked = NEVER;
    const id = new Reader(this.#parts.random(4)).u32();
    this.#ping = { id, sentAt: this.#now, upTo: { offset: this.#outgoing.sent, records: this.#records } };
    return { type: 'ping', id };
  }

  /** What has been sent on this carrier since what is proven to have arrived. */
  get #unproven(): Flight {
    return { offset: this.#outgoing.sent - this.#proven.offset, records: this.#records - this.#proven.records };
  }

  /** The first records hide the flights of a TLS handshake, those without DATA what they say. */
  #pad(frames: Frame[], space: number): void {
    const isLone = frames.every(({ type }) => type !== 'data');
    const most = this.#records < PADDED_RECORDS ? PAD_MAX : isLone ? LONE_PAD_MAX : 0;
    if (most > 0) frames.push({ type: 'pad', length: Math.min(this.#between(0, most), Math.max(0, space)) });
  }

  #between(least: number, most: number): number {
    return evenly(this.#parts.random, least, most);
  }

  /** An ACK soon, or at once when the peer may be waiting for it: much of a window has moved. A client's ACKs are billed, so fewer. */
  #oweAck(): void {
    const { received, limit } = this.#incoming;
    const moved = Math.max(received - this.#told.received, limit - this.#told.limit);
    if (moved === 0) return;
    const most = this.#incoming.windowSize / (this.#parts.end === 'client' ? 2 : 4);
    const due = moved >= most ? this.#now : this.#now + this.#ackDelay;
    this.#ackAt = Math.min(this.#ackAt, due);
  }

  // --- time -----------------------------------------------------------------------------------------------------

  get #now(): number {
    return this.#parts.clock.now();
  }

  /** When something is to be done next. */
  #deadline(): number {
    if (!this.#carrier) return this.#lingerUntil;
    const ackAt = this.#isMute ? NEVER : this.#ackAt;
    return Math.min(this.#lingerUntil, ackAt, this.#parts.end === 'relay' ? this.#relayTime() : this.#clientTime());
  }

  #relayTime(): number {
    const keepaliveAt = this.#isMute ? NEVER : this.#lastSent + this.#silence;
    return Math.min(keepaliveAt, this.#silentSince + FIRST_RECORD_TIMEOUT, this.#idleAt, this.#unansweredAt);
  }

  get #idleAt(): number {
    return this.#lastData + (this.#outgoing.acknowledged ? HALF_CLOSED_MAX : IDLE_MAX);
  }

  /** When a client that was asked is taken for dead. On a spent allowance it cannot be asked, and should have moved on. */
  get #unansweredAt(): number {
    const unheard = this.#lastHeard + (this.#parts.askAfter ?? NEVER);
    const asked = typeof this.#ping === 'object' ? Math.max(this.#ping.sentAt, this.#lastHeard) : NEVER;
    return (this.#isMute ? unheard : asked) + ANSWER_TIMEOUT;
  }

  #clientTime(): number {
    if (this.#isMute) return NEVER;
    if (this.#resumable && this.#waitingSince !== NEVER)
      return Math.min(Math.max(this.#waitingSince, this.#stalledAt) + this.#patience, this.#askAt);
    if (this.#askAt !== NEVER) return this.#askAt;
    if (typeof this.#ping === 'object') return Math.max(this.#ping.sentAt, this.#lastHeard) + PROBE_TIMEOUT;
    return this.#lastHeard + PROBE_AFTER;
  }

  /** Since when the peer owes an answer, or an ACK of what is under way. */
  get #waitingSince(): number {
    // An answer may wait behind data that is on its way.
    const asked = typeof this.#ping === 'object' ? Math.max(this.#ping.sentAt, this.#lastHeard) : NEVER;
    return Math.min(asked, this.#unmovedSince);
  }

  /** How long an answer may take. */
  get #patience(): number {
    const least = this.#isLimited ? STALL_MIN_LIMITED : STALL_MIN;
    return Math.min(STALL_MAX, Math.max(least, 4 * (this.#roundTrip ?? 0)) * 2 ** this.#stalls);
  }

  #arm(): void {
    if (this.#over) return;
    const at = this.#deadline();
    // A timer that fires early costs nothing; setting one for every record would.
    if (at === NEVER || (this.#timer && this.#timer.at <= at)) return;
    this.#timer?.cancel();
    const cancel = this.#parts.clock.after(Math.max(0, at - this.#now), () => {
      this.#timer = undefined;
      this.#wake();
    });
    this.#timer = { at, cancel };
  }

  #wake(): void {
    const due = (at: number) => at <= this.#now;
    if (due(this.#lingerUntil)) return this.reset('aborted');
    if (this.#carrier && this.#parts.end === 'relay') {
      if (due(this.#silentSince + FIRST_RECORD_TIMEOUT)) return this.reset('silent');
      if (due(this.#idleAt)) return this.reset('idle');
      if (due(this.#unansweredAt)) return this.#parts.events.stalled();
      if (due(this.#lastSent + this.#silence)) this.#keepAlive();
    } else if (this.#carrier && due(this.#clientTime())) {
      if (due(this.#askAt)) this.ping();
      else if (this.#resumable && this.#waitingSince !== NEVER) {
        this.#stalls += 1;
        this.#stalledAt = this.#now;
        this.#parts.events.stalled();
      } else if (typeof this.#ping === 'object') return this.#end('carrier-lost');
      else this.ping();
    }
    this.flush();
  }

  #keepAlive(): void {
    this.#silence = this.#between(KEEPALIVE_MIN, KEEPALIVE);
    this.#ackAt = this.#now;
    if (this.#lastHeard + (this.#parts.askAfter ?? NEVER) <= this.#now) this.ping();
  }

  // --- the end --------------------------------------------------------------------------------------------------

  /** Ends the session when both streams have come to their ends and both ends know it. */
  #settle(): void {
    if (this.#over || !this.#outgoing.acknowledged || !this.#incoming.finished) return;
    if (this.#told.received === this.#incoming.received) this.#end();
  }

  #end(code?: Code): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    this.#carrier?.close();
    this.#carrier = undefined;
    this.#outgoing.release();
    this.#incoming.releaseWhenEmpty();
    this.#parts.events.ended(code);
  }
}
