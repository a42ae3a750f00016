/**
 * What sections 9 to 11 of the specification let one end of a session say and do: a plain second account of its rules, kept
 * from what the end is told and what it sends, to hold a `Session` against. Whatever is out of it throws.
 */
import { equal, ok } from 'node:assert/strict';
import { costOf } from '../../protocol/carrier/carrier.ts';
import { type Code, resetOf } from '../../protocol/errors.ts';
import {
  ANSWER_TIMEOUT,
  DATA_MAX,
  FIRST_RECORD_TIMEOUT,
  LINGER,
  LONE_PAD_MAX,
  PACKET_DATA,
  PAD_MAX,
  PADDED_RECORDS,
  PROBE_TIMEOUT,
  RECORD_COST_MIN,
  RECORD_MAX,
  UNOPENED_RECORDS_MAX,
  WINDOW_INITIAL,
  WINDOW_MAX,
} from '../../protocol/limits.ts';
import type { Frame, Offsets } from '../../protocol/session/frames.ts';
import { streamAt } from './bytes.ts';

export class Account {
  readonly #end: 'client' | 'relay';
  readonly #now: () => number;

  // The peer's stream.
  received = 0;
  fin: number | undefined;
  taken = 0;
  consumed = 0;
  /** What this end has told the peer last. */
  #told: Offsets = { received: 0, limit: WINDOW_INITIAL };
  #limitTold = WINDOW_INITIAL;

  // Its own.
  written = 0;
  finished = false;
  acked = 0;
  everSent = 0;
  /** Once a peer has named one. */
  peerLimit: number | undefined;
  /** The offset that comes next on this carrier. */
  #next = 0;

  // This carrier.
  isAttached = false;
  isResumable = true;
  #allowance = Infinity;
  #isLimited = false;
  #attachedAt = 0;
  #heardAt: number | undefined;
  #records = 0;
  #asked: { id: number; at: number; offset: number; records: number } | undefined;
  #proven = { offset: 0, records: 0 };
  /** The PING that waits for its answer. */
  #toAnswer: number | undefined;

  // The end.
  #closedAt: number | undefined;
  /** Its peer reads no more. */
  isStopped = false;
  /** It has told its peer so on this carrier. */
  #stopSent = false;
  /** Why it must end now. */
  verdict: Code | undefined;
  /** It must say nothing about that. */
  #isSilenced = false;
  isOver = false;

  constructor(end: 'client' | 'relay', now: () => number) {
    this.#end = end;
    this.#now = now;
  }

  get allowance(): number {
    return this.#allowance;
  }

  get isClosing(): boolean {
    return this.#closedAt !== undefined;
  }

  /** The id of the last PING that it has sent and that is not answered. */
  get asked(): number | undefined {
    return this.#asked?.id;
  }

  /** `received` as an ACK says it. */
  get #receivedAll(): number {
    return this.fin === undefined ? this.received : this.fin + 1;
  }

  get #isAcknowledged(): boolean {
    return this.finished && this.acked === this.written + 1;
  }

  /** Both ends know that both streams have come to their ends. */
  get #isComplete(): boolean {
    return this.#isAcknowledged && this.fin !== undefined && this.#told.received === this.fin + 1;
  }

  /** There was nothing to deliver, and nobody to tell. */
  get #isUnused(): boolean {
    return this.isClosing && this.written === 0 && this.peerLimit === undefined;
  }

  // --- what it is told ----------------------------------------------------------------------------------------------

  attach(peer: Offsets, told: Offsets, isResumable: boolean, allowance: number): void {
    this.isAttached = true;
    this.isResumable = isResumable;
    this.#allowance = allowance;
    this.#isLimited = allowance !== Infinity;
    this.#attachedAt = this.#now();
    this.#heardAt = undefined;
    this.#records = 0;
    this.#stopSent = false;
    this.#asked = undefined;
    this.#toAnswer = undefined;
    this.#told = told;
    this.#limitTold = Math.max(this.#limitTold, told.limit);
    this.verdict = this.#hearAck(peer);
    this.#next = this.acked;
    this.#proven = { offset: this.#next, records: 0 };
  }

  detach(): void {
    this.isAttached = false;
    this.#asked = undefined;
    this.#toAnswer = undefined;
  }

  /** @param limit what the session has granted by now */
  hear(frame: Frame, limit: number): void {
    this.#heardAt = this.#now();
    this.verdict ??= this.#judge(frame, limit);
  }

  #judge(frame: Frame, limit: number): Code | undefined {
    switch (frame.type) {
      case 'data': {
        const end = frame.offset + frame.bytes.length;
        if (end > limit) return 'bad-credit';
        if (frame.offset > this.received || end > (this.fin ?? end)) return 'bad-offset';
        this.received = Math.max(this.received, end);
        return undefined;
      }
      case 'ack':
        return this.#hearAck(frame);
      case 'fin':
        if (frame.offset !== (this.fin ?? this.received)) return 'bad-offset';
        this.fin = frame.offset;
        return undefined;
      case 'reset':
        this.#isSilenced = true;
        return resetOf(frame.code) ?? 'aborted';
      case 'stop':
        if (this.fin === undefined) return 'bad-frame';
        this.written = Math.min(this.written, this.everSent);
        this.finished = true;
        this.isStopped = true;
        return undefined;
      case 'ping':
        this.#toAnswer = frame.id;
        return undefined;
      case 'pong':
        if (this.#asked?.id !== frame.id) return undefined;
        this.#proven = this.#asked;
        this.#asked = undefined;
        return undefined;
      case 'pad':
        return undefined;
    }
  }

  #hearAck({ received, limit }: Offsets): Code | undefined {
    if (received > this.everSent) return 'bad-offset';
    this.acked = Math.max(this.acked, received);
    this.#next = Math.max(this.#next, received);
    this.peerLimit = Math.max(this.peerLimit ?? 0, limit);
    return undefined;
  }

  /** The app closes its socket. */
  close(): void {
    if (this.isOver || this.isClosing) return;
    this.#closedAt = this.#now();
    this.finished = true;
  }

  /** What has broken below it, or its owner, ends it. */
  end(code: Code, isSilent: boolean): void {
    if (this.isOver) return;
    this.verdict = code;
    this.#isSilenced = isSilent;
  }

  // --- what it says -------------------------------------------------------------------------------------------------

  /** @param length of the sealed record */
  sends(frames: Frame[], length: number): void {
    ok(this.isAttached && !this.isOver && !this.#isSilenced, 'has no more to say');
    ok(length <= RECORD_MAX, 'a record too long');
    const isReset = frames.at(-1)?.type === 'reset';
    ok(this.#allowance >= RECORD_COST_MIN || isReset, 'past its allowance');
    this.#allowance -= costOf(length);
    let stream = 0;
    const isLone = frames.every(({ type }) => type !== 'data');
    for (const frame of frames) {
      if (frame.type === 'data') stream += frame.bytes.length;
      this.#checkSent(frame, frame === frames.at(-1), isLone);
    }
    ok(stream <= (this.#isLimited ? PACKET_DATA : DATA_MAX), 'more than a record holds');
    this.#records += 1;
    ok(this.#next - this.#proven.offset <= 2 * WINDOW_MAX + 1, 'sent beyond what is proven');
    ok(this.#records - this.#proven.records <= UNOPENED_RECORDS_MAX + 1, 'records beyond what is proven');
  }

  #checkSent(frame: Frame, isLast: boolean, isLone: boolean): void {
    switch (frame.type) {
      case 'data':
        equal(frame.offset, this.#next, 'DATA where other is due');
        this.#next += frame.bytes.length;
        ok(this.#next <= Math.min(this.written, this.peerLimit ?? 0), 'DATA past the limit');
        equal(Buffer.compare(frame.bytes, streamAt(frame.offset, frame.bytes.length)), 0, 'wrong bytes');
        break;
      case 'fin':
        ok(this.finished && frame.offset === this.written && this.#next === this.written, 'FIN out of place');
        this.#next = this.written + 1;
        break;
      case 'ack':
        this.checkOffsets(frame);
        this.#told = frame;
        this.#limitTold = frame.limit;
        break;
      case 'ping':
        this.#asked = { id: frame.id, at: this.#now(), offset: this.#next, records: this.#records };
        break;
      case 'pong':
        ok(frame.id === this.#toAnswer, 'PONG that nobody asked for');
        this.#toAnswer = undefined;
        break;
      case 'pad':
        ok(frame.length <= this.#padMax(isLone), 'PAD out of place');
        break;
      case 'stop':
        ok(this.#mayStop, 'STOP out of place');
        this.#stopSent = true;
        break;
      case 'reset': {
        ok(isLast, 'frames after a RESET');
        const code = resetOf(frame.code);
        ok(this.verdict ? code === this.verdict : this.#mayEnd(code), `RESET ${code}`);
      }
    }
    this.everSent = Math.max(this.everSent, this.#next);
  }

  /** Below zero: a PAD is out of place. */
  #padMax(isLone: boolean): number {
    if (this.#isLimited) return -1;
    if (this.#records < PADDED_RECORDS) return PAD_MAX;
    return isLone ? LONE_PAD_MAX : -1;
  }

  /** What it may say of itself in an ACK, a hello or a grant. */
  checkOffsets({ received, limit }: Offsets): void {
    equal(received, this.#receivedAll, 'ACK of something else');
    ok(limit >= this.#limitTold, 'a limit taken back');
    ok(limit <= this.consumed + WINDOW_MAX, 'more promised than a window');
  }

  get #mayStop(): boolean {
    return this.isClosing && this.fin === undefined && this.#next === this.written + 1 && !this.#stopSent;
  }

  /** Whether its peer could have been told that its app reads no more. */
  get owesStop(): boolean {
    return this.isAttached && this.#mayStop && this.#allowance >= RECORD_COST_MIN;
  }

  /** Whether it could have ended its stream, which its peer does not read any more. */
  get owesFin(): boolean {
    return this.isAttached && this.isStopped && this.#next <= this.written && this.#allowance >= RECORD_COST_MIN;
  }

  /** Whether a PING waits that could have been answered. */
  get owesPong(): boolean {
    return this.isAttached && this.#toAnswer !== undefined && this.#allowance >= RECORD_COST_MIN;
  }

  /** Whether its peer owes the answer to a PING for so long that it is taken for dead. */
  get isUnanswered(): boolean {
    return this.#asked !== undefined && this.#now() >= this.#askedOrHeardAt + ANSWER_TIMEOUT;
  }

  get #askedOrHeardAt(): number {
    return Math.max(this.#asked?.at ?? 0, this.#heardAt ?? this.#attachedAt);
  }

  // --- how it may end -----------------------------------------------------------------------------------------------

  ends(code: Code | undefined): void {
    ok(!this.isOver, 'ends twice');
    ok(this.verdict ? code === this.verdict : this.#mayEnd(code), `ends with ${code}, due is ${this.verdict}`);
    this.isOver = true;
    this.isAttached = false;
  }

  /** Where nothing that it was told ends it. */
  #mayEnd(code: Code | undefined): boolean {
    const now = this.#now();
    switch (code) {
      case undefined:
        return this.#isUnused || this.#isComplete;
      case 'aborted':
        return this.#closedAt !== undefined && now >= this.#closedAt + LINGER;
      case 'silent':
        return this.#end === 'relay' && this.#heardAt === undefined && now >= this.#attachedAt + FIRST_RECORD_TIMEOUT;
      case 'carrier-lost': {
        if (this.#end === 'relay' || this.isResumable || !this.#asked) return false;
        return now >= this.#askedOrHeardAt + PROBE_TIMEOUT;
      }
      case 'flood':
        return this.#records - this.#proven.records >= UNOPENED_RECORDS_MAX;
      default:
        return false;
    }
  }
}
