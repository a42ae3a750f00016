/**
 * The stream that an end sends. Its bytes are kept from the first one that the peer has not acknowledged.
 *
 *     0 ── acked ── sent ── written        acked: the peer has it    written: the app gave it
 *            └─ kept for replay ─┘         sent ≤ limit, which the peer grants
 */
import { type Bytes, concat, EMPTY } from '../bytes.ts';
import { PuenteError } from '../errors.ts';
import { DATA_MAX, WINDOW_INITIAL } from '../limits.ts';
import { DATA_HEADER, type Frame, type Offsets } from './frames.ts';
import { ByteQueue } from './queue.ts';
import { type MemoryBudget, Window } from './window.ts';

export class Outgoing {
  readonly #queue = new ByteQueue();
  readonly #replay: Window;
  #acked = 0;
  #sent = 0;
  /** The furthest offset that any carrier has carried. An ACK beyond it is a lie. */
  #everSent = 0;
  /** The peer's limit, once the peer has told one. */
  #limit: number | undefined;
  /** Offset of the stream's end, once known. */
  #end: number | undefined;
  /** The peer reads no more. */
  isStopped = false;
  /** The session is over. */
  #isReleased = false;

  constructor(budget: MemoryBudget) {
    this.#replay = new Window(budget);
  }

  get sent(): number {
    return this.#sent;
  }

  get #written(): number {
    return this.#end ?? this.#queue.end;
  }

  get #finished(): boolean {
    return this.#end !== undefined;
  }

  /** The peer has acknowledged everything before this. */
  get acked(): number {
    return this.#acked;
  }

  /** Something was sent and is not acknowledged. */
  get isUnderWay(): boolean {
    return this.#sent > this.#acked;
  }

  /** No peer has told its offsets yet. */
  get unanswered(): boolean {
    return this.#limit === undefined;
  }

  /** Nothing was written, and no peer has told its offsets. */
  get untouched(): boolean {
    return this.unanswered && this.#written === 0;
  }

  /** The FIN was sent on this carrier, or sent and acknowledged on an earlier one. */
  get finSent(): boolean {
    return this.#finished && this.#sent === this.#written + 1;
  }

  /** The peer has the whole stream, and the FIN. */
  get acknowledged(): boolean {
    return this.#finished && this.#acked === this.#written + 1;
  }

  /**
   * How many bytes `write` takes now.
   * @param proven the peer has certainly received everything before this offset on this carrier
   */
  room(proven: number): number {
    if (this.#finished || this.#isReleased) return 0;
    const { size } = this.#replay;
    const bound = Math.min(this.#limit ?? WINDOW_INITIAL, this.#acked + size, proven + 2 * size);
    return Math.max(0, bound - this.#written);
  }

  /**
   * How many of `length` bytes `write` takes now. None while only few of them would fit and more room is about to come:
   * a small record costs nearly as much as a large one. All of them where the peer reads no more: they are dropped.
   */
  roomFor(length: number, proven: number): number {
    if (this.isStopped) return length;
    const room = this.room(proven);
    return room < Math.min(length, DATA_MAX) && this.#awaitsAck ? 0 : Math.min(length, room);
  }

  /**
   * The buffer is nearly full, so an ACK that frees it is on its way. A PING goes out at this mark (see `Session`), and
   * its answer brings an ACK.
   */
  get #awaitsAck(): boolean {
    return this.#sent - this.#acked > this.proofDue;
  }

  /** How many bytes may be sent without proof that they arrive. Beyond this a PING asks for the proof. */
  get proofDue(): number {
    return (3 * this.#replay.size) / 4;
  }

  push(bytes: Bytes, owned: boolean): void {
    if (!this.isStopped) this.#queue.push(bytes, owned);
  }

  finish(): void {
    this.#end ??= this.#queue.end;
  }

  /** The stream ends with the last byte that was ever sent. The peer may have that byte, and wants nothing after it. */
  stop(): void {
    this.#end = Math.min(this.#written, this.#everSent);
    this.isStopped = true;
  }

  /**
   * All bytes written so far, when they fit in `max` and `may` allows them. They count as sent from then on. EMPTY
   * otherwise.
   */
  earlyData(max: number, may: (first: Bytes) => boolean): Bytes {
    if (this.#written > max) return EMPTY;
    const parts: Bytes[] = [];
    for (let at = 0; at < this.#written; at += parts.at(-1)?.length ?? 0) parts.push(this.#queue.peek(at, max));
    const first = concat(...parts);
    if (!may(first)) return EMPTY;
    this.#everSent = first.length;
    return first;
  }

  /**
   * Applies the offsets of an ACK, hello or grant. Offsets never go backwards: an ACK on a newer carrier may overtake
   * an older one.
   * @throws PuenteError `bad-offset`
   */
  acknowledge({ received, limit }: Offsets, now: number): void {
    if (received > this.#everSent) throw new PuenteError('bad-offset');
    this.#limit = Math.max(this.#limit ?? 0, limit);
    if (received <= this.#acked) return;
    this.#acked = received;
    this.#sent = Math.max(this.#sent, received);
    this.#queue.dropTo(Math.min(received, this.#written), true);
    this.#replay.used(received, now, limit > received + this.#replay.size);
  }

  /**
   * A new carrier begins with the first byte that the peer has not acknowledged. The ACK may have come on any carrier.
   */
  rewind(): void {
    this.#sent = this.#acked;
  }

  /** There is DATA or a FIN to send now. */
  get isDue(): boolean {
    return this.#sendable > 0 || this.#finIsNext;
  }

  get #sendable(): number {
    return Math.max(0, Math.min(this.#limit ?? 0, this.#written) - this.#sent);
  }

  /** A FIN needs no credit. One more offset cannot overrun a queue, and a full window must not hold the FIN back. */
  get #finIsNext(): boolean {
    return this.#finished && this.#sent === this.#written;
  }

  /** Adds to a record what may be sent now. Returns how much of the record's space is left. */
  compose(frames: Frame[], space: number): number {
    let left = space;
    while (this.#sendable > 0 && left > DATA_HEADER) {
      const bytes = this.#queue.peek(this.#sent, Math.min(this.#sendable, left));
      frames.push({ type: 'data', offset: this.#sent, bytes });
      this.#sent += bytes.length;
      left -= DATA_HEADER + bytes.length;
    }
    if (this.#finIsNext) {
      frames.push({ type: 'fin', offset: this.#written });
      this.#sent = this.#written + 1;
    }
    this.#everSent = Math.max(this.#everSent, this.#sent);
    return left;
  }

  release(): void {
    this.#isReleased = true;
    this.#queue.clear();
    this.#replay.release();
  }
}
