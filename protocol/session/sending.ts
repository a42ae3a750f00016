/** What goes into a session's next record. */
import { evenly, type RandomBytes } from '../bytes.ts';
import { DATA_MAX, LINGER, LONE_PAD_MAX, PACKET_DATA, PAD_MAX, PADDED_RECORDS, RECORD_COST_MIN } from '../limits.ts';
import type { Acks } from './acks.ts';
import type { Frame } from './frames.ts';
import type { Incoming } from './incoming.ts';
import { type Liveness, NEVER, type Standing } from './liveness.ts';
import type { Outgoing } from './outgoing.ts';
import type { FrameSink, SessionEnd } from './parts.ts';
import type { Proof } from './proof.ts';

/** The session's parts that put frames into records. */
export interface Speakers {
  readonly outgoing: Outgoing;
  readonly incoming: Incoming;
  readonly acks: Acks;
  readonly proof: Proof;
  readonly liveness: Liveness;
}

export class Sending implements Standing {
  readonly #of: Speakers;
  readonly #end: SessionEnd;
  readonly #random: RandomBytes;
  #carrier: FrameSink | undefined;
  /** The id of the PING to answer. One answer serves all PINGs of a record. */
  pong: number | undefined;
  /** The app has closed: a STOP is due on this carrier to tell the peer, or was sent. */
  #stop: 'due' | 'sent' | undefined;
  /** When to give up a closed session: LINGER after the last time that anything moved. */
  #lingerUntil = NEVER;

  constructor(of: Speakers, end: SessionEnd, random: RandomBytes) {
    this.#of = of;
    this.#end = end;
    this.#random = random;
  }

  get carrier(): FrameSink | undefined {
    return this.#carrier;
  }

  get lingerUntil(): number {
    return this.#lingerUntil;
  }

  /** The app reads no more. */
  get isClosed(): boolean {
    return this.#stop !== undefined;
  }

  attach(carrier: FrameSink): void {
    this.#carrier = carrier;
    if (this.#stop) this.#stop = 'due';
  }

  detach(): void {
    this.#carrier = undefined;
    this.pong = undefined;
  }

  /** The app reads no more: tell the peer. */
  close(now: number): void {
    this.#stop = 'due';
    this.moved(now);
  }

  /** The peer has acknowledged more. */
  moved(now: number): void {
    if (this.isClosed) this.#lingerUntil = now + LINGER;
  }

  /** The carrier's allowance holds no further record: wait for the next carrier. */
  get isSpent(): boolean {
    return this.#allowance < RECORD_COST_MIN;
  }

  /** The path limits how much a connection carries. */
  get isLimited(): boolean {
    return this.#allowance !== Infinity;
  }

  /** See `Standing`. */
  get isHalfClosed(): boolean {
    return this.#of.outgoing.acknowledged;
  }

  get #allowance(): number {
    return this.#carrier?.allowance ?? Infinity;
  }

  /** The most app bytes in one record. */
  get #space(): number {
    return this.isLimited ? Math.min(PACKET_DATA, this.#allowance) : DATA_MAX;
  }

  /** The next record's frames; `undefined` when there is nothing to send now. */
  compose(now: number): Frame[] | undefined {
    if (this.isSpent) return undefined;
    const { outgoing, incoming, acks, proof } = this.#of;
    const frames: Frame[] = [];
    const rides = outgoing.isDue || this.pong !== undefined;
    if (acks.isDue(rides, now)) frames.push(this.#ack(rides));
    if (this.pong !== undefined) frames.push({ type: 'pong', id: this.pong });
    this.pong = undefined;
    const space = outgoing.compose(frames, this.#space);
    if (this.#stop === 'due' && outgoing.finSent && !incoming.finished) {
      frames.push({ type: 'stop' });
      this.#stop = 'sent';
    }
    if (this.#isPingWanted(frames)) proof.ask();
    if (proof.isPingDue) frames.push(this.#ping(now));
    if (frames.length === 0) return undefined;
    if (!this.isLimited) this.#pad(frames, space);
    proof.records += 1;
    return frames;
  }

  #ack(rides: boolean): Frame {
    const { offsets } = this.#of.incoming;
    this.#of.acks.sent(offsets, rides);
    return { type: 'ack', ...offsets };
  }

  /** The first record of the end that speaks first proves its keys, and asks the peer to prove the same. */
  #isPingWanted(frames: Frame[]): boolean {
    const { outgoing, proof } = this.#of;
    const isFirst = this.#end.speaksFirst && proof.records === 0 && frames.length > 0;
    return isFirst || proof.isWanted(outgoing.sent, outgoing.proofDue);
  }

  #ping(now: number): Frame {
    this.#of.liveness.asked(now);
    return { type: 'ping', id: this.#of.proof.pingFor(this.#of.outgoing.sent) };
  }

  /**
   * Padding in the first records hides the flights of a TLS handshake. In records without DATA it hides what they say.
   */
  #pad(frames: Frame[], space: number): void {
    const isLone = frames.every(({ type }) => type !== 'data');
    const most = this.#of.proof.records < PADDED_RECORDS ? PAD_MAX : isLone ? LONE_PAD_MAX : 0;
    if (most === 0) return;
    const length = Math.min(evenly(this.#random, 0, most), Math.max(0, space));
    frames.push({ type: 'pad', length });
  }
}
