/** The stream that an end sends: all of it is kept, so that it can go on from wherever the peer stands. */
import type { Frame } from '../codec/frames.ts';

const DATA_MAX = 60_000;
/** On a carrier with an allowance. */
export const PACKET_DATA = 1300;

export interface Offsets {
  received: number;
  limit: number;
}

export class Outgoing {
  /** The rules that it breaks. */
  readonly #breaks: ReadonlySet<string>;
  #stream = Buffer.alloc(0);
  /** Stream bytes sent on this carrier or known to have come. */
  #sent = 0;
  /** The end of what was ever sent, a FIN included. */
  end = 0;
  acked = 0;
  #theirLimit = 0;
  #isFinished = false;
  #finSent = false;
  isStopping = false;
  #stopSent = false;

  constructor(breaks: ReadonlySet<string>) {
    this.#breaks = breaks;
  }

  write(bytes: Buffer): void {
    if (!this.#isFinished) this.#stream = Buffer.concat([this.#stream, bytes]);
  }

  finish(): void {
    this.#isFinished = true;
  }

  /** The app has written all, and reads no more. */
  stop(): void {
    this.#isFinished = true;
    this.isStopping = true;
  }

  get length(): number {
    return this.#stream.length;
  }

  /** Sent and finished, and the peer has said so. */
  get isDelivered(): boolean {
    return this.#finSent && this.acked === this.#stream.length + 1;
  }

  /** Goes on over a carrier. @param isNext whether there was one before */
  goOn(peer: Offsets, isNext: boolean): void {
    this.acknowledge(peer);
    if (!isNext || !this.#breaks.has('resume-replay')) this.#sent = Math.min(peer.received, this.#stream.length);
    if (!isNext || !this.#breaks.has('resume-fin')) this.#finSent = peer.received > this.#stream.length;
    this.#stopSent = false;
  }

  acknowledge({ received, limit }: Offsets): void {
    this.acked = Math.max(this.acked, received);
    this.#theirLimit = Math.max(this.#theirLimit, limit);
  }

  /** The peer reads no more: what was not sent is dropped, and the stream ends where it stands. */
  cutShort(): void {
    if (!this.#finSent) this.#stream = this.#stream.subarray(0, Math.min(this.#stream.length, this.end));
    this.#isFinished = true;
  }

  nextData(isLimited: boolean): Frame[] {
    const credit = this.#breaks.has('credit-kept') ? Infinity : this.#theirLimit - this.#sent;
    const length = Math.min(this.#stream.length - this.#sent, credit, isLimited ? PACKET_DATA : DATA_MAX);
    if (length <= 0) return [];
    const skipped = this.#breaks.has('data-order') && this.#sent > 0 ? 1 : 0;
    const bytes = this.#stream.subarray(this.#sent, this.#sent + length);
    const frame: Frame = { type: 'data', offset: this.#sent + skipped, bytes };
    this.#sent += length;
    this.end = Math.max(this.end, this.#sent);
    return [frame];
  }

  /** @param isEnded whether the peer has finished */
  nextEnd(isEnded: boolean): Frame[] {
    const frames: Frame[] = [];
    const isEager = this.#breaks.has('stop-fin');
    if (isEager) frames.push(...this.#nextStop(isEnded));
    const isHeld = this.#breaks.has('credit-fin') && this.#theirLimit <= this.#stream.length;
    if (this.#isFinished && !this.#finSent && this.#sent === this.#stream.length && !isHeld) {
      this.#finSent = true;
      this.end = this.#stream.length + 1;
      frames.push({ type: 'fin', offset: this.#stream.length + (this.#breaks.has('fin-offset') ? 1 : 0) });
    }
    if (this.#finSent) frames.push(...this.#nextStop(isEnded));
    return frames;
  }

  #nextStop(isEnded: boolean): Frame[] {
    if (!this.isStopping || this.#stopSent || isEnded) return [];
    this.#stopSent = true;
    return [{ type: 'stop' }];
  }
}
