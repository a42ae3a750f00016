/** Looks at every frame that the subject sends, in all scenarios, and holds it to the rules that a wire shows. */
import type { Frame } from '../codec/frames.ts';
import { costOf, RECORD_COST_MIN } from '../peer/line.ts';
import { PACKET_DATA } from '../peer/outgoing.ts';
import type { Session } from '../peer/session.ts';
import type { Judge } from './judge.ts';

export class Watch {
  readonly #judge: Judge;
  readonly #session: Session;
  #stream = Buffer.alloc(0);
  #fin: number | undefined;
  /** The highest that the subject has told. */
  limit: number;
  /** Where the next DATA of this carrier has to begin, at most. */
  #next = 0;
  #carriers = 0;
  /** Whether anything has come on this carrier. */
  hasHeard = false;
  hasStopped = false;
  #reset = false;
  #isLimited = false;
  #allowance = Infinity;
  #cost = 0;

  /** @param limit that the subject has told in its hello or grant */
  constructor(judge: Judge, session: Session, limit: number) {
    this.#judge = judge;
    this.#session = session;
    this.limit = limit;
  }

  /**
   * Another carrier.
   * @param received that we have told of it, in stream bytes
   * @param isLimited whether the path carries only so much
   * @param allowance what the subject may send, where we know it
   */
  carrier(received: number, isLimited: boolean, allowance = Infinity): void {
    this.#next = received;
    this.#isLimited = isLimited;
    this.#carriers += 1;
    this.hasHeard = false;
    this.#reset = false;
    this.#allowance = allowance;
    this.#cost = 0;
  }

  wrong(code: 'bad-record' | 'bad-frame', why: string): void {
    this.#judge.rule(code === 'bad-record' ? 'record-form' : 'frames-form', false, why);
  }

  frames(frames: Frame[], length: number): void {
    const { rule } = this.#judge;
    this.hasHeard = true;
    rule('record-form', true);
    rule('frames-form', true);
    rule('reset-last', !this.#reset, 'a record came after a RESET');
    if (this.#isLimited && !frames.some(({ type }) => type === 'reset')) this.#limited(frames, length);
    for (const frame of frames) this.#frame(frame);
  }

  #limited(frames: Frame[], length: number): void {
    const stream = frames.reduce((sum, frame) => sum + (frame.type === 'data' ? frame.bytes.length : 0), 0);
    const hasPad = frames.some(({ type }) => type === 'pad');
    if (this.#allowance !== Infinity) {
      const left = this.#allowance - this.#cost;
      this.#judge.rule(
        'limited-kept',
        left >= RECORD_COST_MIN,
        `a record came where ${left} of ${this.#allowance} were left`,
      );
      this.#cost += costOf(length);
    }
    this.#judge.rule(
      'limited-records',
      !hasPad && stream <= PACKET_DATA,
      hasPad ? 'a record has a PAD' : `a record has ${stream} stream bytes`,
    );
  }

  #frame(frame: Frame): void {
    const { rule } = this.#judge;
    switch (frame.type) {
      case 'data':
        return this.#data(frame.offset, frame.bytes);
      case 'fin':
        rule(
          'fin-offset',
          frame.offset === (this.#fin ?? this.#stream.length),
          `FIN at ${frame.offset} after ${this.#stream.length} bytes`,
        );
        this.#fin = frame.offset;
        return;
      case 'ack': {
        const most = this.#session.sentEnd;
        rule('ack-true', frame.received <= most, `ACK of ${frame.received} where ${most} were sent`);
        rule('limit-kept', frame.limit >= this.limit, `a limit of ${frame.limit} after one of ${this.limit}`);
        this.limit = Math.max(this.limit, frame.limit);
        return;
      }
      case 'stop':
        this.hasStopped = true;
        return rule('stop-fin', this.#fin !== undefined, 'STOP came before the FIN');
      case 'reset':
        this.#reset = true;
        return;
      default:
    }
  }

  #data(offset: number, bytes: Buffer): void {
    const { rule } = this.#judge;
    const end = offset + bytes.length;
    const { toldMost } = this.#session;
    rule('credit-kept', end <= toldMost, `DATA up to ${end} at a limit of ${toldMost}`);
    // The first record on a carrier may acknowledge more than its hello did: the carrier before carried on meanwhile.
    const due = Math.max(this.#next, this.#session.received);
    const gap = `DATA at ${offset} where ${due} was due`;
    if (this.#carriers > 1) rule('resume-replay', offset <= due, gap);
    rule('data-order', offset <= due, gap);
    const before = this.#stream.subarray(offset, Math.min(end, this.#stream.length));
    rule('data-order', before.equals(bytes.subarray(0, before.length)), `other bytes are at ${offset} than before`);
    rule('fin-offset', end <= (this.#fin ?? Infinity), 'DATA came beyond the FIN');
    this.#stream = Buffer.concat([this.#stream, bytes.subarray(before.length)]);
    this.#next = Math.max(this.#next, end);
  }
}
