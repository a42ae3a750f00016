/**
 * One app socket's two byte streams, at one end. A session outlives its carriers: every byte has an offset, what was
 * sent is kept until the peer has received it, and a next carrier goes on where the peer's `received` stands.
 *
 * Outgoing:  0 ── acked ── sent ── written        acked: the peer has it    written: the app gave it
 *                   └─ kept for replay ─┘         sent ≤ limit, which the peer grants
 * Incoming:  0 ── consumed ── taken ── received   consumed + window = the limit that we grant
 *
 * Nothing here knows of sockets, keys or real time: frames come in by `receive`, go out by `carrier.send`, and the
 * clock is passed in, so that a test can run hours of it in a moment.
 */
import { type Bytes, concat, EMPTY } from './bytes.ts';
import { type Code, PuenteError, resetOf, toWire } from './errors.ts';
import { DATA_HEADER, type Frame } from './frames.ts';
import {
  ACK_DELAY,
  DATA_MAX,
  FIRST_RECORD_TIMEOUT,
  KEEPALIVE,
  LINGER,
  PAD_MAX,
  PADDED_RECORDS,
  PROBE_AFTER,
  PROBE_TIMEOUT,
  PROOF_RECORDS,
  UNOPENED_RECORDS_MAX,
  WINDOW_GROWTH_TIME,
  WINDOW_INITIAL,
  WINDOW_MAX,
} from './limits.ts';
import { ByteQueue } from './queue.ts';

export interface Clock {
  /** Milliseconds; only differences count. */
  now(): number;
  /** Runs once after `ms`, unless the returned function is called first. */
  after(ms: number, run: () => void): () => void;
}

/** The memory that windows and replay buffers may take together. */
export interface Budget {
  /** @param growth what asks could do without it. */
  reserve(bytes: number, growth: boolean): boolean;
  release(bytes: number): void;
}

/** What a session needs of a carrier. */
export interface FrameSink {
  send(frames: Frame[]): void;
  close(): void;
}

export interface Offsets {
  /** Everything before this has been received in order. */
  received: number;
  /** The peer may send up to here. */
  limit: number;
}

export interface SessionEvents {
  /** There is something to `take`, or the end. */
  readable(): void;
  /** There may be `room` again. */
  writable(): void;
  /**
   * The session is over on the wire; called once. Without an error both streams came to their end; what was received
   * can still be taken then, and after the peer's `closed`.
   */
  ended(error?: PuenteError): void;
}

export interface SessionParts {
  end: 'client' | 'relay';
  clock: Clock;
  /** `n` random bytes, for padding. */
  random(n: number): Bytes;
  budget: Budget;
  events: SessionEvents;
}

/** How far a carrier has got. */
interface Flight {
  offset: number;
  records: number;
}

export class Session {
  readonly #parts: SessionParts;
  #carrier: FrameSink | undefined;
  #over = false;

  readonly #outgoing = new ByteQueue();
  #acked = 0;
  #sent = 0;
  /** The furthest that any carrier has carried: an ACK beyond it is a lie. */
  #everSent = 0;
  /** The peer's, once it has named one. */
  #limit: number | undefined;
  readonly #replay: Growing;
  #finished = false;
  #closing = false;

  readonly #incoming = new ByteQueue();
  #consumed = 0;
  readonly #window: Growing;
  #granted = WINDOW_INITIAL;
  /** Offset of the peer's FIN, once it is received. */
  #peerEnd: number | undefined;
  /** What the peer last heard of `received` and `granted`. */
  #told: Offsets = { received: 0, limit: 0 };

  #ackAt: number | undefined;
  #pong: number | undefined;
  /** Not yet answered; `upTo` is where this carrier stood when it was sent. */
  #ping: { id: number; sentAt: number; upTo: Flight } | 'due' | undefined;
  /**
   * What has certainly arrived on this carrier. An ACK may be a guess, made to have us fill a socket that nobody reads;
   * the answer to a PING with a random id cannot be.
   */
  #proven: Flight = { offset: 0, records: 0 };
  #roundTrip: number | undefined;
  #records = 0;
  #lastSent = 0;
  #lastHeard = 0;
  #silentSince: number | undefined;
  #lingerUntil: number | undefined;
  #timer: { at: number; cancel: () => void } | undefined;

  /** @throws PuenteError `full` when the budget does not hold two more windows. */
  constructor(parts: SessionParts) {
    this.#parts = parts;
    if (!parts.budget.reserve(2 * WINDOW_INITIAL, false)) throw new PuenteError('full');
    this.#replay = new Growing(parts.budget);
    this.#window = new Growing(parts.budget);
  }

  // --- the app's side -------------------------------------------------------------------------------------------

  /** Bytes that `write` takes now. */
  get room(): number {
    if (this.#finished || this.#over) return 0;
    const { size } = this.#replay;
    const bound = Math.min(this.#limit ?? WINDOW_INITIAL, this.#acked + size, this.#proven.offset + 2 * size);
    return Math.max(0, bound - this.#written);
  }

  get #written(): number {
    return this.#outgoing.end;
  }

  /**
   * Takes as many of the bytes as there is room for, and says how many; they leave with the next `flush`.
   * @param owned nobody will write to these bytes any more, so that they need not be copied.
   */
  write(bytes: Bytes, owned = false): number {
    const accepted = bytes.length <= this.room ? bytes : bytes.subarray(0, this.room);
    this.#outgoing.push(accepted, owned);
    return accepted.length;
  }

  /** The app writes no more: a half-close. */
  finish(): void {
    this.#finished = true;
  }

  /** The next bytes in order, out of the queue; `undefined` when there are none now. */
  take(): Bytes | undefined {
    const bytes = this.#incoming.peek(this.#incoming.start, DATA_MAX);
    if (bytes.length === 0) return undefined;
    this.#incoming.dropTo(this.#incoming.start + bytes.length);
    if (this.#over && this.#incoming.start === this.#incoming.end) this.#window.release();
    return bytes;
  }

  /** The peer has finished, and everything was taken. */
  get drained(): boolean {
    return this.#incoming.start === this.#peerEnd;
  }

  /** The app is done with this many of the bytes taken: the peer may send as many more. */
  consumed(length: number): void {
    this.#consumed += length;
    if (this.#over) return;
    this.#window.used(this.#consumed, this.#now, true);
    this.#granted = Math.max(this.#granted, this.#consumed + this.#window.size);
    this.#oweAck();
  }

  /** The app reads no more and has written all: what was written is still delivered, within LINGER. */
  close(): void {
    if (this.#over || this.#closing) return;
    // Nothing was said, and nothing was granted: there is nothing to deliver.
    if (this.#limit === undefined && this.#written === 0) return this.#end();
    this.#finished = true;
    this.#closing = true;
    this.#lingerUntil = this.#now + LINGER;
    this.#incoming.clear();
    this.flush();
  }

  /** Ends the session at both ends, now, for this reason. */
  reset(code: Code): void {
    if (this.#over) return;
    this.#carrier?.send([{ type: 'reset', code: toWire(code) }]);
    this.#end(new PuenteError(code));
  }

  /** Ends the session at this end alone: there is nobody to tell. */
  abandon(error: PuenteError): void {
    this.#end(error);
  }

  /** Nobody will take what is left. */
  discard(): void {
    this.#incoming.clear();
    if (this.#over) this.#window.release();
  }

  /** Smoothed round trip to the relay in milliseconds, once one was measured. Clients only. */
  get roundTrip(): number | undefined {
    return this.#roundTrip;
  }

  /** Measures the round trip with the next record. */
  ping(): void {
    this.#ping ??= 'due';
  }

  // --- the carrier's side ---------------------------------------------------------------------------------------

  /**
   * The first bytes written, to ride in the hello, when they may: they count as sent from then on. EMPTY otherwise.
   * @param max more than this do not fit.
   */
  earlyData(max: number, may: (first: Bytes) => boolean): Bytes {
    if (this.#written > max) return EMPTY;
    const parts: Bytes[] = [];
    for (let at = 0; at < this.#written; at += parts.at(-1)?.length ?? 0) parts.push(this.#outgoing.peek(at, max));
    const first = concat(...parts);
    if (!may(first)) return EMPTY;
    this.#everSent = first.length;
    return first;
  }

  /** What a hello or grant tells the peer: how far we have received, how far it may send. */
  offsets(): Offsets {
    return { received: this.#received, limit: this.#granted };
  }

  /**
   * Goes on over this carrier, from where the peer stands by its hello or grant. Ends the session with `bad-offset`
   * when that cannot be.
   * @param told the offsets that our own hello or grant told the peer
   */
  attach(carrier: FrameSink, peer: Offsets, told: Offsets): void {
    if (this.#over) return carrier.close();
    this.#carrier = carrier;
    this.#told = told;
    this.#ackAt = undefined;
    this.#oweAck();
    this.#records = 0;
    this.#lastSent = this.#now;
    this.#lastHeard = this.#now;
    if (peer.received > this.#everSent) return this.reset('bad-offset');
    this.#acknowledge(peer);
    // From here the peer has everything before `acked`, by this carrier's exchange or by an ACK on an older one.
    this.#sent = this.#acked;
    this.#proven = { offset: this.#sent, records: 0 };
    this.#ping = undefined;
    if (this.#parts.end === 'client') {
      // The first record proves that we hold the keys: until it comes, the relay neither switches nor trusts.
      this.#ackAt = this.#now;
      this.ping();
    } else this.#silentSince = this.#now;
    this.flush();
    this.#parts.events.writable();
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
    this.#silentSince = undefined;
    try {
      for (const frame of frames) {
        this.#apply(frame);
        if (this.#over) return;
      }
    } catch (error) {
      if (!(error instanceof PuenteError)) throw error;
      return this.reset(error.code);
    }
    this.flush();
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

  get #received(): number {
    // A FIN takes one virtual offset, so that it is acknowledged like data.
    return this.#peerEnd === undefined ? this.#incoming.end : this.#peerEnd + 1;
  }

  #apply(frame: Frame): void {
    switch (frame.type) {
      case 'data':
        return this.#receiveData(frame.offset, frame.bytes);
      case 'ack':
        return this.#receiveAck(frame);
      case 'fin':
        return this.#receiveFin(frame.offset);
      case 'reset':
        return this.#receiveReset(frame.code);
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
    const end = offset + bytes.length;
    if (end > this.#granted) throw new PuenteError('bad-credit');
    if (offset > this.#incoming.end) throw new PuenteError('bad-offset');
    if (this.#peerEnd !== undefined && end > this.#peerEnd) throw new PuenteError('bad-offset');
    if (end <= this.#incoming.end) return;
    this.#incoming.push(bytes.subarray(this.#incoming.end - offset), true);
    if (this.#closing) return this.#incoming.clear();
    this.#oweAck();
    this.#parts.events.readable();
  }

  #receiveFin(offset: number): void {
    if (offset !== (this.#peerEnd ?? this.#incoming.end)) throw new PuenteError('bad-offset');
    if (this.#peerEnd !== undefined) return;
    this.#peerEnd = offset;
    // At once: the peer waits for nothing else to end its side.
    this.#ackAt = this.#now;
    this.#parts.events.readable();
  }

  #receiveAck(peer: Offsets): void {
    if (peer.received > this.#everSent) throw new PuenteError('bad-offset');
    this.#acknowledge(peer);
    this.#parts.events.writable();
  }

  /** Never backwards: an ACK may be overtaken by one on a newer carrier. */
  #acknowledge({ received, limit }: Offsets): void {
    this.#limit = Math.max(this.#limit ?? 0, limit);
    if (received <= this.#acked) return;
    this.#acked = received;
    this.#sent = Math.max(this.#sent, received);
    this.#outgoing.dropTo(Math.min(received, this.#written));
    this.#replay.used(received, this.#now, limit > received + this.#replay.size);
  }

  #receiveReset(wire: number): void {
    // A code of a later version still ends the session.
    const code = resetOf(wire) ?? 'aborted';
    // `closed` promises a FIN before it: without one the stream is cut short, not finished.
    const cutShort = code === 'closed' && this.#peerEnd === undefined;
    this.#end(new PuenteError(cutShort ? 'aborted' : code));
  }

  #receivePong(id: number): void {
    if (typeof this.#ping !== 'object' || this.#ping.id !== id) return;
    const sample = this.#now - this.#ping.sentAt;
    // RFC 6298 section 2's smoothing.
    this.#roundTrip = this.#roundTrip === undefined ? sample : this.#roundTrip + (sample - this.#roundTrip) / 8;
    this.#proven = this.#ping.upTo;
    this.#ping = undefined;
    this.#parts.events.writable();
  }

  // --- outgoing frames ------------------------------------------------------------------------------------------

  /** The next record's frames; `undefined` when there is nothing to say now. */
  #compose(): Frame[] | undefined {
    const frames: Frame[] = [];
    const sends = this.#sendable > 0 || this.#finIsNext;
    const rides = sends || this.#pong !== undefined;
    if (this.#ackAt !== undefined && (rides || this.#ackAt <= this.#now)) frames.push(this.#composeAck());
    if (this.#pong !== undefined) frames.push({ type: 'pong', id: this.#pong });
    this.#pong = undefined;
    if (this.#unproven.offset >= this.#replay.size || this.#unproven.records >= PROOF_RECORDS) this.ping();
    if (this.#ping === 'due') frames.push(this.#composePing());
    let space = DATA_MAX;
    while (this.#sendable > 0 && space > DATA_HEADER) {
      const bytes = this.#outgoing.peek(this.#sent, Math.min(this.#sendable, space));
      frames.push({ type: 'data', offset: this.#sent, bytes });
      this.#sent += bytes.length;
      space -= DATA_HEADER + bytes.length;
    }
    if (this.#finIsNext) {
      frames.push({ type: 'fin', offset: this.#written });
      this.#sent = this.#written + 1;
    }
    this.#everSent = Math.max(this.#everSent, this.#sent);
    if (frames.length === 0) return undefined;
    if (this.#records < PADDED_RECORDS) frames.push({ type: 'pad', length: this.#padding(space) });
    this.#records += 1;
    return frames;
  }

  get #sendable(): number {
    return Math.max(0, Math.min(this.#limit ?? 0, this.#written) - this.#sent);
  }

  /** A FIN needs no credit: one offset more cannot overrun a queue, and a full window must not hold it back. */
  get #finIsNext(): boolean {
    return this.#finished && this.#sent === this.#written;
  }

  #composeAck(): Frame {
    this.#ackAt = undefined;
    this.#told = this.offsets();
    return { type: 'ack', ...this.#told };
  }

  #composePing(): Frame {
    const id = new DataView(this.#parts.random(4).buffer).getUint32(0);
    this.#ping = { id, sentAt: this.#now, upTo: { offset: this.#sent, records: this.#records } };
    return { type: 'ping', id };
  }

  /** What has been sent on this carrier since what is proven to have arrived. */
  get #unproven(): Flight {
    return { offset: this.#sent - this.#proven.offset, records: this.#records - this.#proven.records };
  }

  #padding(space: number): number {
    const [high = 0, low = 0] = this.#parts.random(2);
    return Math.min(((high << 8) | low) % (PAD_MAX + 1), Math.max(0, space));
  }

  /** An ACK soon, or at once when the peer may be waiting for it: a quarter of a window has moved. */
  #oweAck(): void {
    const moved = Math.max(this.#received - this.#told.received, this.#granted - this.#told.limit);
    if (moved === 0) return;
    const due = moved >= this.#window.size / 4 ? this.#now : this.#now + ACK_DELAY;
    this.#ackAt = Math.min(this.#ackAt ?? due, due);
  }

  // --- time -----------------------------------------------------------------------------------------------------

  get #now(): number {
    return this.#parts.clock.now();
  }

  /** When something is to be done, by what it is. */
  #deadlines(): number[] {
    const deadlines: (number | undefined)[] = [this.#lingerUntil];
    if (this.#carrier)
      deadlines.push(this.#ackAt, ...(this.#parts.end === 'relay' ? this.#relayTimes() : this.#clientTimes()));
    return deadlines.filter((at) => at !== undefined);
  }

  #relayTimes(): number[] {
    const silent = this.#silentSince === undefined ? [] : [this.#silentSince + FIRST_RECORD_TIMEOUT];
    return [this.#lastSent + KEEPALIVE, ...silent];
  }

  #clientTimes(): number[] {
    if (typeof this.#ping === 'object') return [Math.max(this.#ping.sentAt, this.#lastHeard) + PROBE_TIMEOUT];
    return [this.#lastHeard + PROBE_AFTER];
  }

  #arm(): void {
    if (this.#over) return;
    const at = Math.min(...this.#deadlines());
    // A timer that fires early costs nothing; setting one for every record would.
    if (at === Number.POSITIVE_INFINITY || (this.#timer && this.#timer.at <= at)) return;
    this.#timer?.cancel();
    const cancel = this.#parts.clock.after(Math.max(0, at - this.#now), () => {
      this.#timer = undefined;
      this.#wake();
    });
    this.#timer = { at, cancel };
  }

  #wake(): void {
    const due = (at: number | undefined) => at !== undefined && at <= this.#now;
    if (due(this.#lingerUntil)) return this.reset('aborted');
    if (this.#carrier && this.#parts.end === 'relay') {
      if (this.#silentSince !== undefined && due(this.#silentSince + FIRST_RECORD_TIMEOUT)) return this.reset('silent');
      if (due(this.#lastSent + KEEPALIVE)) this.#ackAt = this.#now;
    } else if (this.#carrier && due(this.#clientTimes()[0])) {
      if (typeof this.#ping === 'object') return this.#end(new PuenteError('carrier-lost'));
      this.ping();
    }
    this.flush();
  }

  // --- the end --------------------------------------------------------------------------------------------------

  /** Ends the session when both streams have come to their ends and both ends know it. */
  #settle(): void {
    if (this.#over || !this.#finished || this.#acked !== this.#written + 1) return;
    if (this.#peerEnd !== undefined) {
      if (this.#told.received === this.#received) this.#end();
    } else if (this.#closing) {
      // No error at this end, which has asked for it.
      this.#carrier?.send([{ type: 'reset', code: toWire('closed') }]);
      this.#end();
    }
  }

  #end(error?: PuenteError): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    this.#carrier?.close();
    this.#carrier = undefined;
    this.#outgoing.clear();
    this.#replay.release();
    if (error && error.code !== 'closed') this.#incoming.clear();
    if (this.#incoming.start === this.#incoming.end) this.#window.release();
    this.#parts.events.ended(error);
  }
}

/** A window or replay buffer's size: doubles while it is used and the budget lasts. */
class Growing {
  readonly #budget: Budget;
  size = WINDOW_INITIAL;
  #released = false;
  #mark = { offset: 0, at: Number.NEGATIVE_INFINITY };

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** The stream has moved on to `offset`: a whole window in a short time, though it was all there was, asks for more. */
  used(offset: number, now: number, wanted: boolean): void {
    if (offset - this.#mark.offset < this.size) return;
    const quick = now - this.#mark.at <= WINDOW_GROWTH_TIME;
    this.#mark = { offset, at: now };
    if (quick && wanted && this.size < WINDOW_MAX && this.#budget.reserve(this.size, true)) this.size *= 2;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#budget.release(this.size);
  }
}
