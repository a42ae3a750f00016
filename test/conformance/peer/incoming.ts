/** The stream that comes to an end: how far it has come, and what the peer was told of that. */
import type { Frame, Reset } from '../codec/frames.ts';
import type { Offsets } from './outgoing.ts';

export class Incoming {
  /** The rules that it breaks. */
  readonly #breaks: ReadonlySet<string>;
  readonly #window: number;
  /** Stream bytes. */
  received = 0;
  /** The peer's FIN. */
  end: number | undefined;
  /** Nobody reads what comes: no further credit is granted. */
  isStopping = false;
  #consumed = 0;
  #told: Offsets;
  /** The highest limit that was told. */
  toldMost: number;

  constructor(breaks: ReadonlySet<string>, window: number) {
    [this.#breaks, this.#window] = [breaks, window];
    this.#told = { received: 0, limit: window };
    this.toldMost = window;
  }

  consume(length: number): void {
    this.#consumed += length;
  }

  get limit(): number {
    if (this.isStopping) return this.toldMost;
    return (this.#breaks.has('limit-consumed') ? this.received : this.#consumed) + this.#window;
  }

  get offsets(): Offsets {
    const isEnded = this.end !== undefined && !this.#breaks.has('ack-fin');
    return { received: this.received + (isEnded ? 1 : 0), limit: this.limit };
  }

  /** What is new of it, or the code of the rule that it breaks. */
  data(offset: number, bytes: Buffer): Buffer | Reset | undefined {
    const end = offset + bytes.length;
    if (bytes.length === 0 && this.#breaks.has('data-empty')) return 'bad-frame';
    if (end > this.toldMost && !this.#breaks.has('bad-credit')) return 'bad-credit';
    if (offset > this.received || end > (this.end ?? Infinity))
      return this.#breaks.has('bad-offset') ? undefined : 'bad-offset';
    const isKnown = end <= this.received;
    const fresh = bytes.subarray(this.received - offset);
    this.received = Math.max(this.received, end);
    if (this.#breaks.has('data-repeat')) return bytes;
    if (this.#breaks.has('stream-whole') && offset === 0) return Buffer.from(fresh).fill(0x3f, 0, 1);
    return isKnown ? undefined : fresh;
  }

  /** Whether it is news, or the code of the rule that it breaks. */
  fin(offset: number): boolean | Reset {
    if (offset !== (this.end ?? this.received)) return this.#breaks.has('bad-fin') ? false : 'bad-offset';
    if (this.end !== undefined) return this.#breaks.has('fin-repeat') ? 'bad-offset' : false;
    this.end = offset;
    return true;
  }

  /** What a hello, a grant or an ACK tells. */
  tell(): Offsets {
    this.#told = this.offsets;
    this.toldMost = Math.max(this.toldMost, this.#told.limit);
    return this.#told;
  }

  get isAcknowledged(): boolean {
    return this.end !== undefined && this.#told.received === this.end + 1;
  }

  get owesAck(): boolean {
    if (this.#breaks.has('ack-owed')) return this.mustAck;
    if (this.#breaks.has('stop-counts') && this.isStopping) return false;
    const { received, limit } = this.offsets;
    return received > this.#told.received || limit > this.#told.limit;
  }

  /** At once. */
  get mustAck(): boolean {
    const { received, limit } = this.offsets;
    if (limit - this.#told.limit >= this.#window / 4) return true;
    return this.end !== undefined && received > this.#told.received;
  }

  nextAck(): Frame {
    const { received, limit } = this.tell();
    if (this.#breaks.has('ack-true') && received > 0) return { type: 'ack', received: received + 9, limit };
    if (this.#breaks.has('limit-kept') && received > 0) return { type: 'ack', received, limit: limit - this.#window };
    return { type: 'ack', received, limit };
  }
}
