/** One end of a session whose peer holds the keys and keeps no rule. */
import { equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import type { Bytes } from '../../protocol/bytes.ts';
import { Carrier } from '../../protocol/carrier/carrier.ts';
import type { Code } from '../../protocol/errors.ts';
import { DATA_MAX, EARLY_DATA_MAX, TAG, WINDOW_MAX } from '../../protocol/limits.ts';
import { CLIENT_END } from '../../protocol/session/client-end.ts';
import { decodeFrames, encodeFrames, type Frame, type Offsets } from '../../protocol/session/frames.ts';
import type { FrameSink } from '../../protocol/session/parts.ts';
import { relayEnd } from '../../protocol/session/relay-end.ts';
import { Session } from '../../protocol/session/session.ts';
import { CountedBudget, CountedClock, Random, Timeline } from '../support/network/simulation.ts';
import { Account } from './account.ts';
import { streamAt } from './bytes.ts';
import { type Attach, histories, type Place, type Said, type SaidData, type Step } from './hostile.ts';
import { newTransport, openAt, sealAt } from './sealing.ts';
import { decodedOrRefused, type Target } from './target.ts';

interface Case {
  /** Frames go through a real carrier. */
  isSealed: boolean;
  isResumable: boolean;
  /** Its app reads and writes as soon as it is told that it may. */
  isEager: boolean;
  mayGrow: boolean;
  steps: Step[];
}

const cases: fc.Arbitrary<Case> = fc.record({
  isSealed: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
  isResumable: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
  isEager: fc.boolean(),
  mayGrow: fc.boolean(),
  steps: histories,
});

/** A carrier, from the peer's side. */
interface Way {
  readonly sink: FrameSink;
  hear(plaintext: Bytes): void;
  hearText(): void;
  lose(): void;
}

class Trial {
  readonly #end: 'client' | 'relay';
  readonly #case: Case;
  readonly #timeline = new Timeline();
  readonly #clock = new CountedClock(this.#timeline);
  readonly #budget = new CountedBudget();
  readonly #account: Account;
  readonly #session: Session;
  #way: Way | undefined;
  #told: Offsets;
  #outcome: Code | undefined;

  constructor(end: 'client' | 'relay', one: Case) {
    this.#end = end;
    this.#case = one;
    this.#account = new Account(end, () => this.#timeline.now);
    if (!one.mayGrow) this.#budget.growthMax = 0;
    const random = new Random(1);
    this.#session = new Session({
      end: end === 'client' ? CLIENT_END : relayEnd(),
      clock: this.#clock,
      random: (length) => random.bytes(length),
      budget: this.#budget,
      events: {
        readable: () => this.#emits('readable', () => this.#take()),
        writable: () => this.#emits('writable', () => this.#write(5000, true)),
        stalled: () => this.#stalled(),
        ended: (code) => {
          this.#account.ends(code);
          this.#outcome = code;
        },
      },
    });
    this.#told = this.#session.offsets();
  }

  #emits(event: string, react: () => void): void {
    ok(!this.#account.isOver, `${event} after the end`);
    if (this.#case.isEager) react();
  }

  #stalled(): void {
    this.#emits('stalled', () => {});
    if (this.#end === 'client') return ok(this.#case.isResumable, 'stalled');
    // The relay drops its carrier, as worker/session does.
    ok(this.#account.isUnanswered, 'dropped too soon');
    this.#way = undefined;
    this.#isLost();
  }

  /** The account is told first, as the session may answer at once. */
  take(step: Step): void {
    switch (step.do) {
      case 'attach':
        return this.#attach(step);
      case 'hear':
        return this.#hear(step.frames);
      case 'flood':
        return this.#flood(step.frame, step.times, step.isOneRecord);
      case 'transfer':
        return this.#transfer(step.rounds);
      case 'plaintext':
        return this.#hearPlaintext(step.plaintext);
      case 'text':
        return this.#hearText();
      case 'lose':
        return this.#lose();
      case 'early':
        return this.#early(step.length);
      case 'write':
        return this.#write(step.length, step.isOwned);
      case 'take':
        return this.#take();
      case 'consume':
        return this.#consume(step.part);
      case 'finish':
        return this.#finish();
      case 'close':
        this.#account.close();
        return this.#session.close();
      case 'reset':
        this.#account.end('aborted', false);
        return this.#session.reset('aborted');
      case 'abandon':
        this.#account.end('timeout', true);
        return this.#session.abandon('timeout');
      case 'ping':
        this.#session.ping();
        return this.#session.flush();
      case 'flush':
        return this.#session.flush();
      case 'wait':
        return this.#timeline.runFor(step.ms);
    }
  }

  // --- the app ------------------------------------------------------------------------------------------------------

  #write(length: number, isOwned: boolean): void {
    const account = this.#account;
    const bytes = streamAt(account.written, length).slice();
    const fits = this.#session.roomFor(length);
    equal(this.#session.write(bytes, isOwned), fits);
    if (!account.isStopped) account.written += fits;
    if (!isOwned) bytes.fill(0xaa);
  }

  #take(): void {
    const account = this.#account;
    const bytes = this.#session.take();
    if (!bytes) return;
    ok(!account.isClosing && !this.#hasBeenReset, 'bytes that were dropped');
    equal(Buffer.compare(bytes, streamAt(account.taken, bytes.length)), 0, 'wrong bytes');
    account.taken += bytes.length;
    ok(account.taken <= account.received);
  }

  get #hasBeenReset(): boolean {
    return this.#outcome !== undefined && this.#outcome !== 'timeout' && this.#outcome !== 'carrier-lost';
  }

  #consume(part: number): void {
    const account = this.#account;
    const length = Math.ceil((account.taken - account.consumed) * part);
    account.consumed += length;
    this.#session.consumed(length);
    this.#session.flush();
  }

  #finish(): void {
    this.#account.finished = true;
    this.#session.finish();
    this.#session.flush();
  }

  /** The bytes of a hello: the client's own, or those that the relay is given. */
  #early(length: number): void {
    const account = this.#account;
    if (account.peerLimit !== undefined || account.isOver) return;
    if (this.#end === 'relay') {
      const data: Frame = { type: 'data', offset: 0, bytes: streamAt(0, length).slice() };
      this.#judge(data);
      return this.#session.receive([data]);
    }
    this.#write(length, false);
    const first = this.#session.earlyData(EARLY_DATA_MAX, () => true);
    equal(first.length, account.written > EARLY_DATA_MAX ? 0 : account.written);
    account.everSent = Math.max(account.everSent, first.length);
  }

  // --- its carriers -------------------------------------------------------------------------------------------------

  #attach({ received, limit, allowance, isStale, first }: Attach): void {
    const { isResumable } = this.#case;
    const account = this.#account;
    if (account.peerLimit !== undefined && !isResumable) return;
    if (!isStale) this.#told = this.#session.offsets();
    const peer = { received: this.#offsetOf(received), limit: this.#offsetOf(limit) };
    const most = isResumable ? (allowance ?? Infinity) : Infinity;
    account.detach();
    this.#session.detach();
    if (!account.isOver) account.attach(peer, this.#told, isResumable, most);
    this.#way = this.#case.isSealed ? this.#sealedWay(most) : this.#plainWay();
    const frames = this.#end === 'relay' && isResumable ? first.map((said) => this.#said(said)) : [];
    this.#session.attach(this.#way.sink, peer, this.#told, isResumable, frames);
  }

  #plainWay(): Way {
    const account = this.#account;
    const session = this.#session;
    return {
      sink: {
        get allowance() {
          return account.allowance;
        },
        send: (frames) => account.sends(frames, encodeFrames(frames).length + TAG),
        close: () => {},
      },
      hear(plaintext) {
        const frames = decodedOrRefused(() => decodeFrames(plaintext), 'bad-frame');
        return frames ? session.receive(frames) : session.reset('bad-frame');
      },
      hearText: () => session.reset('bad-record'),
      lose: () => this.#isLost(),
    };
  }

  #sealedWay(allowance: number): Way {
    const peer = newTransport();
    const wire = {
      send: (record: Bytes) => this.#account.sends(decodeFrames(openAt(peer, record)), record.length),
      close: () => {},
    };
    const events = {
      frames: (frames: Frame[]) => this.#session.receive(frames),
      failed: (code: Code) => this.#session.reset(code),
      lost: () => this.#isLost(),
    };
    const carrier = new Carrier(newTransport(), wire, events, allowance);
    return {
      sink: carrier,
      hear: (plaintext) => carrier.receive(sealAt(peer, plaintext)),
      hearText: () => carrier.receive('text'),
      lose: () => carrier.lost(),
    };
  }

  #lose(): void {
    const way = this.#way;
    this.#way = undefined;
    way?.lose();
  }

  #isLost(): void {
    if (this.#case.isResumable) {
      this.#account.detach();
      return this.#session.detach();
    }
    this.#account.end('carrier-lost', true);
    this.#session.abandon('carrier-lost');
  }

  // --- its peer -----------------------------------------------------------------------------------------------------

  #hear(said: Said[]): void {
    this.#way?.hear(encodeFrames(said.map((one) => this.#said(one))).slice());
  }

  #hearPlaintext(plaintext: Bytes): void {
    const frames = decodedOrRefused(() => decodeFrames(plaintext), 'bad-frame');
    // Bytes of the stream have values to be checked by.
    if (!this.#way || frames?.some(({ type }) => type === 'data')) return;
    if (frames) for (const frame of frames) this.#judge(frame);
    else this.#account.end('bad-frame', false);
    this.#way.hear(plaintext);
  }

  #hearText(): void {
    if (!this.#way) return;
    this.#account.end('bad-record', false);
    this.#way.hearText();
  }

  #flood(frame: Said, times: number, isOneRecord: boolean): void {
    if (isOneRecord) return this.#hear(new Array(times).fill(frame));
    for (let count = 0; count < times && !this.#account.isOver; count += 1) this.#hear([frame]);
  }

  #transfer(rounds: number): void {
    const account = this.#account;
    for (let round = 0; round < rounds && this.#way && !account.isOver; round += 1) {
      this.#write(DATA_MAX, true);
      this.#session.flush();
      this.#hear([
        { type: 'ack', received: ['sent', 0], limit: ['sent', WINDOW_MAX] },
        { type: 'pong', id: 'asked' },
      ]);
      if (account.fin === undefined)
        this.#hear([{ type: 'data', at: ['received', 0], length: DATA_MAX, isCredited: true }]);
      for (let taken = -1; taken < account.taken; this.#take()) taken = account.taken;
      this.#consume(1);
    }
  }

  /** A frame as it is now, in the account. */
  #said(said: Said): Frame {
    const frame = this.#frameOf(said);
    this.#judge(frame);
    return frame;
  }

  #judge(frame: Frame): void {
    if (!this.#account.isOver) this.#account.hear(frame, this.#session.offsets().limit);
  }

  #frameOf(said: Said): Frame {
    switch (said.type) {
      case 'data':
        return this.#dataOf(said);
      case 'ack':
        return { type: 'ack', received: this.#offsetOf(said.received), limit: this.#offsetOf(said.limit) };
      case 'fin':
        return { type: 'fin', offset: this.#offsetOf(said.at) };
      case 'pong':
        return { type: 'pong', id: said.id === 'asked' ? (this.#account.asked ?? 0) : said.id };
      default:
        return said;
    }
  }

  #dataOf({ at, length, isCredited }: SaidData): Frame {
    const offset = this.#offsetOf(at);
    const credit = Math.max(0, this.#session.offsets().limit - offset);
    return { type: 'data', offset, bytes: streamAt(offset, isCredited ? Math.min(length, credit) : length) };
  }

  #offsetOf([from, by]: Place): number {
    const account = this.#account;
    const froms = {
      start: 0,
      received: account.received,
      limit: this.#session.offsets().limit,
      acked: account.acked,
      sent: account.everSent,
      written: account.written,
      peerLimit: account.peerLimit ?? 0,
      end: Number.MAX_SAFE_INTEGER,
    };
    return Math.min(Math.max(0, froms[from] + by), Number.MAX_SAFE_INTEGER);
  }

  // --- what must hold -----------------------------------------------------------------------------------------------

  check(): void {
    const session = this.#session;
    const account = this.#account;
    ok(this.#clock.timers <= (account.isOver ? 0 : 1), `${this.#clock.timers} timers`);
    ok(this.#budget.reserved <= 2 * WINDOW_MAX);
    ok(session.room <= WINDOW_MAX);
    if (account.isOver) return equal(session.room, 0);
    equal(account.verdict, undefined, 'goes on');
    account.checkOffsets(session.offsets());
    const unacked = account.written - Math.min(account.acked, account.written);
    const unconsumed = account.isClosing ? 0 : account.received - account.consumed;
    ok(unacked + unconsumed <= this.#budget.reserved, 'holds more than it has reserved');
    if (!account.isClosing) equal(session.drained, account.taken === account.fin);
    ok(!account.owesPong, 'a PING without its PONG');
    ok(!account.owesStop, 'a close without its STOP');
    ok(!account.owesFin, 'a STOP without its FIN');
  }

  /** When nobody will come back for it, nothing is left of it, and nothing more is heard of it. */
  end(): void {
    this.#account.end('timeout', true);
    this.#session.abandon('timeout');
    ok(this.#account.isOver);
    this.#session.discard();
    equal(this.#budget.reserved, 0);
    equal(this.#clock.timers, 0);
    const { fired } = this.#clock;
    this.#timeline.runFor(1_000_000);
    equal(this.#clock.fired, fired);
  }
}

function sessionTarget(end: 'client' | 'relay'): Target<Case> {
  return {
    name: `${end}-session`,
    weight: 10,
    cases,
    run(one) {
      const trial = new Trial(end, one);
      for (const step of one.steps) {
        trial.take(step);
        trial.check();
      }
      trial.end();
    },
  };
}

export const clientSessionTarget = sessionTarget('client');
export const relaySessionTarget = sessionTarget('relay');
