/**
 * The stream that an end receives, in order, until the app takes its bytes.
 *
 *     0 ── consumed ── taken ── received ── limit        consumed + window = limit, which we grant
 */
import type { Bytes } from '../bytes.ts';
import { PuenteError } from '../errors.ts';
import { DATA_MAX, WINDOW_INITIAL } from '../limits.ts';
import type { Offsets } from './frames.ts';
import { ByteQueue } from './queue.ts';
import { type MemoryBudget, Window } from './window.ts';

export class Incoming {
  readonly #queue = new ByteQueue();
  readonly #window: Window;
  #consumed = 0;
  #limit = WINDOW_INITIAL;
  /** Offset of the peer's FIN, once it is received. */
  #end: number | undefined;

  constructor(budget: MemoryBudget) {
    this.#window = new Window(budget);
  }

  get windowSize(): number {
    return this.#window.size;
  }

  /** The peer may send everything before this. */
  get limit(): number {
    return this.#limit;
  }

  /** Everything before this was received in order. */
  get received(): number {
    // A FIN takes one virtual offset, so that the peer's FIN is acknowledged like data.
    return this.#end === undefined ? this.#queue.end : this.#end + 1;
  }

  /** The offsets that a hello, a grant or an ACK tells the peer. */
  get offsets(): Offsets {
    return { received: this.received, limit: this.limit };
  }

  /** The peer's FIN was received. */
  get finished(): boolean {
    return this.#end !== undefined;
  }

  /** The peer has finished, and everything was taken. */
  get drained(): boolean {
    return this.#queue.start === this.#end;
  }

  /**
   * Whether the DATA frame holds anything new.
   * @throws PuenteError `bad-credit`, `bad-offset`
   */
  data(offset: number, bytes: Bytes): boolean {
    const end = offset + bytes.length;
    if (end > this.#limit) throw new PuenteError('bad-credit');
    if (offset > this.#queue.end || end > (this.#end ?? end)) throw new PuenteError('bad-offset');
    if (end <= this.#queue.end) return false;
    this.#queue.push(bytes.subarray(this.#queue.end - offset), true);
    return true;
  }

  /**
   * Whether the FIN is the first one.
   * @throws PuenteError `bad-offset`
   */
  fin(offset: number): boolean {
    if (offset !== (this.#end ?? this.#queue.end)) throw new PuenteError('bad-offset');
    if (this.#end !== undefined) return false;
    this.#end = offset;
    return true;
  }

  take(): Bytes | undefined {
    const bytes = this.#queue.peek(this.#queue.start, DATA_MAX);
    if (bytes.length === 0) return undefined;
    this.#queue.dropTo(this.#queue.start + bytes.length);
    return bytes;
  }

  consume(length: number, now: number): void {
    this.#consumed += length;
    this.#window.used(this.#consumed, now, true);
    this.#limit = Math.max(this.#limit, this.#consumed + this.#window.size);
  }

  clear(): void {
    this.#queue.clear();
  }

  /** Nothing more will arrive. The window is kept until the queued bytes are taken. */
  releaseWhenEmpty(): void {
    if (this.#queue.start === this.#queue.end) this.#window.release();
  }
}
