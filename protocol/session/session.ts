/**
 * One app socket's two byte streams, at one end. A session outlives its carriers. Every byte has an offset, and sent
 * bytes are kept until the peer has received them. The next carrier goes on where the peer's `received` stands. Frames
 * come in by `receive` and go out by `carrier.send`. A session knows neither sockets nor keys. The clock is passed in,
 * so that a test can run hours in a moment.
 */
import type { Bytes } from '../bytes.ts';
import { type Code, PuenteError, toWire } from '../errors.ts';
import { UNOPENED_RECORDS_MAX, WINDOW_INITIAL } from '../limits.ts';
import { Acks } from './acks.ts';
import { Alarm } from './alarm.ts';
import type { Frame, Offsets } from './frames.ts';
import { Incoming } from './incoming.ts';
import { type Duty, type Liveness, NEVER } from './liveness.ts';
import { Outgoing } from './outgoing.ts';
import type { FrameSink, SessionParts } from './parts.ts';
import { Proof } from './proof.ts';
import { Receiving } from './receiving.ts';
import { Sending, type Speakers } from './sending.ts';

export class Session {
  readonly #parts: SessionParts;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  readonly #acks: Acks;
  readonly #proof: Proof;
  readonly #liveness: Liveness;
  readonly #sending: Sending;
  readonly #receiving: Receiving;
  readonly #alarm: Alarm;
  #over = false;

  /** @throws PuenteError `full` when the budget does not hold two more windows. */
  constructor(parts: SessionParts) {
    const { budget, clock, end, events, random } = parts;
    if (!budget.reserve(2 * WINDOW_INITIAL, false)) throw new PuenteError('full');
    this.#parts = parts;
    this.#outgoing = new Outgoing(budget);
    this.#incoming = new Incoming(budget);
    this.#acks = new Acks(random, end.acksPerWindow);
    this.#proof = new Proof(random);
    this.#liveness = end.liveness(random, clock.now());
    const speakers: Speakers = {
      outgoing: this.#outgoing,
      incoming: this.#incoming,
      acks: this.#acks,
      proof: this.#proof,
      liveness: this.#liveness,
    };
    this.#sending = new Sending(speakers, end, random);
    this.#receiving = new Receiving(speakers, this.#sending, events);
    this.#alarm = new Alarm(clock, () => this.#wake());
  }

  // --- the app's side -------------------------------------------------------------------------------------------

  /** Bytes that may be written now. */
  get room(): number {
    return this.#outgoing.room(this.#proof.offset);
  }

  /** How many of `length` bytes `write` takes now: see `Outgoing`. */
  roomFor(length: number): number {
    return this.#outgoing.roomFor(length, this.#proof.offset);
  }

  /**
   * Takes as many of the bytes as there is room for, and returns how many. They leave with the next `flush`.
   * @param owned nobody will write to these bytes any more, so they need not be copied
   */
  write(bytes: Bytes, owned = false): number {
    const accepted = bytes.subarray(0, this.roomFor(bytes.length));
    if (accepted.length > 0) this.#liveness.moved(this.#now);
    this.#outgoing.push(accepted, owned);
    return accepted.length;
  }

  /** The app writes no more: a half-close. */
  finish(): void {
    this.#outgoing.finish();
  }

  /** Takes the next bytes in order out of the queue; `undefined` when there are none now. */
  take(): Bytes | undefined {
    const bytes = this.#incoming.take();
    if (this.#over) this.#incoming.releaseWhenEmpty();
    return bytes;
  }

  /** The peer has finished, and the app has taken everything. */
  get drained(): boolean {
    return this.#incoming.drained;
  }

  /** The app is done with this many of the bytes that it took. The peer may send as many more. */
  consumed(length: number): void {
    if (this.#over || this.#sending.isClosed) return;
    this.#incoming.consume(length, this.#now);
    this.#acks.owe(this.#incoming, this.#now);
  }

  /**
   * The app reads no more and has written everything. Written bytes are still delivered, unless nothing moves for
   * LINGER.
   */
  close(): void {
    if (this.#over || this.#sending.isClosed) return;
    this.#incoming.clear();
    // Nothing was written and no grant came: there is nothing to deliver.
    if (this.#outgoing.untouched) return this.#end();
    this.#outgoing.finish();
    this.#sending.close(this.#now);
    this.flush();
  }

  /** Ends the session at both ends at once. The code is the reason. */
  reset(code: Code): void {
    if (this.#over) return;
    this.#sending.carrier?.send([{ type: 'reset', code: toWire(code) }]);
    this.#fail(code);
  }

  /** Ends the session at this end alone: there is nobody to tell. */
  abandon(code: Code): void {
    this.#end(code);
  }

  /** Drops the received bytes that are left: nobody will take them. */
  discard(): void {
    this.#incoming.clear();
    if (this.#over) this.#incoming.releaseWhenEmpty();
  }

  get roundTrip(): number | undefined {
    return this.#liveness.roundTrip;
  }

  get isStalled(): boolean {
    return this.#liveness.isStalled;
  }

  get isOverdue(): boolean {
    return this.#liveness.isOverdue(this.#now);
  }

  /** Asks for an answer with the next record. The answer measures the round trip, and proves what has arrived. */
  ping(): void {
    this.#proof.ask();
  }

  // --- the carrier's side ---------------------------------------------------------------------------------------

  /**
   * All bytes written so far, to go in the hello, when they fit in `max` and `may` allows them. They count as sent from
   * then on. EMPTY otherwise.
   * @param max the most bytes that fit
   */
  earlyData(max: number, may: (first: Bytes) => boolean): Bytes {
    return this.#outgoing.earlyData(max, may);
  }

  /** The offsets that a hello or grant tells the peer: how far we have received, and how far it may send. */
  offsets(): Offsets {
    return this.#incoming.offsets;
  }

  /**
   * Continues over this carrier, from the offsets in the peer's hello or grant. Ends the session with `bad-offset` when
   * those offsets are impossible.
   * @param advertised the offsets that our own hello or grant told the peer
   * @param resumable whether another carrier may follow this one
   * @param first the frames of the first record that the peer sent on this carrier, if that record is why we attach it
   */
  attach(carrier: FrameSink, peer: Offsets, advertised: Offsets, resumable: boolean, first: Frame[] = []): void {
    if (this.#over) return carrier.close();
    const isOpening = this.#outgoing.unanswered;
    this.#sending.attach(carrier);
    this.#acks.attached(advertised);
    this.#acks.owe(this.#incoming, this.#now);
    this.#liveness.attached(this.#now, resumable, this.#sending.isLimited);
    if (!this.#obeys(() => this.#outgoing.acknowledge(peer, this.#now))) return;
    this.#outgoing.rewind();
    this.#proof.attached(this.#outgoing.sent);
    // After a resume the relay switches carriers only at our first record, so send it at once. After an opening, wait
    // until there is something to say.
    if (this.#parts.end.speaksFirst) isOpening ? this.#acks.oweSoon(this.#now) : this.#acks.oweBy(this.#now);
    // The ACK in this record is newer than the hello, which was sent some round trips before.
    if (first.length > 0) this.receive(first);
    else this.flush();
    if (!this.#over) this.#parts.events.writable();
  }

  /** The carrier is gone. Another may follow. */
  detach(): void {
    this.#sending.detach();
    this.#proof.detached();
    this.#liveness.detached();
  }

  /** Applies the frames of one record. A frame that breaks the rules ends the session with its code, at both ends. */
  receive(frames: Frame[]): void {
    if (this.#over) return;
    this.#liveness.heard(this.#now);
    const goesOn = this.#obeys(() => {
      for (const frame of frames) if (!this.#over) this.#apply(frame);
    });
    if (goesOn) this.flush();
  }

  #apply(frame: Frame): void {
    const reason = this.#receiving.apply(frame, this.#now);
    if (reason) this.#fail(reason);
  }

  /** Returns whether the session goes on after `apply`. A broken rule ends the session. */
  #obeys(apply: () => void): boolean {
    try {
      apply();
    } catch (error) {
      if (!(error instanceof PuenteError)) throw error;
      this.reset(error.code);
    }
    return !this.#over;
  }

  /**
   * Sends everything that may be sent now. Call this after `write`, `finish` and `consumed`, once for all calls in one
   * tick.
   */
  flush(): void {
    while (this.#sending.carrier && !this.#over) {
      const frames = this.#sending.compose(this.#now);
      if (!frames) break;
      // Only a peer that makes us answer and reads nothing gets here.
      if (this.#proof.unprovenRecords > UNOPENED_RECORDS_MAX) return this.reset('flood');
      this.#liveness.sent(this.#now, this.#outgoing.isUnderWay);
      this.#sending.carrier.send(frames);
    }
    // The last frame sent may be the ACK of the peer's FIN.
    this.#settle();
    if (!this.#over) this.#alarm.set(this.#nextAt);
  }

  // --- time -----------------------------------------------------------------------------------------------------

  get #now(): number {
    return this.#parts.clock.now();
  }

  /** When something is due next. */
  get #nextAt(): number {
    if (!this.#sending.carrier) return this.#sending.lingerUntil;
    const ackAt = this.#sending.isSpent ? NEVER : this.#acks.at;
    return Math.min(this.#sending.lingerUntil, ackAt, this.#liveness.nextAt(this.#sending));
  }

  #wake(): void {
    if (this.#sending.lingerUntil <= this.#now) return this.reset('aborted');
    const duties = this.#sending.carrier ? this.#liveness.due(this.#now, this.#sending) : [];
    for (const duty of duties) this.#do(duty);
    this.flush();
  }

  #do(duty: Duty): void {
    switch (duty) {
      case 'ask':
        return this.ping();
      case 'acknowledge':
        return this.#acks.oweBy(this.#now);
      case 'stalled':
        return this.#parts.events.stalled();
      case 'carrier-lost':
        return this.#end(duty);
      default:
        return this.reset(duty);
    }
  }

  // --- the end --------------------------------------------------------------------------------------------------

  /** Ends the session when both streams have ended and both ends know it. */
  #settle(): void {
    if (this.#over || !this.#outgoing.acknowledged || !this.#incoming.finished) return;
    if (this.#acks.knows(this.#incoming.received)) this.#end();
  }

  /** Ends the session and drops the received bytes. */
  #fail(code: Code): void {
    this.#incoming.clear();
    this.#end(code);
  }

  #end(code?: Code): void {
    if (this.#over) return;
    this.#over = true;
    this.#alarm.cancel();
    this.#sending.carrier?.close();
    this.#sending.detach();
    this.#outgoing.release();
    this.#incoming.releaseWhenEmpty();
    this.#parts.events.ended(code);
  }
}
