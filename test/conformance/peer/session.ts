/**
 * One end of a session that keeps the rules (sections 9 to 11), in the simplest way: all of a stream is kept, and a window has one
 * size. The rooms' clients and relays that are broken on purpose are this one, with the rules that they break.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { type Frame, RESETS, type Reset, resetName } from '../codec/frames.ts';
import type { Attachment, End, SessionEvents } from './attachment.ts';
import { Incoming } from './incoming.ts';
import { type Line, RECORD_COST_MIN } from './line.ts';
import { type Offsets, Outgoing } from './outgoing.ts';

export const WINDOW = 65_536;
const ACK_DELAY = 150;
const LINGER = 10_000;
const PAD_MAX = 60;

export class Session {
  readonly #events: SessionEvents;
  /** The rules that it breaks, by their ids. */
  readonly #breaks: ReadonlySet<string>;
  line: Line | undefined;
  end: End | undefined;
  #carriers = 0;

  readonly outgoing: Outgoing;
  readonly #incoming: Incoming;
  #allowance = Infinity;
  #resumable = false;

  isStopped = false;
  #ackTimer: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;
  #pong: number | undefined;
  #ping: number | undefined;
  pongs = 0;
  lastPong: number | undefined;

  constructor(events: SessionEvents, breaks: ReadonlySet<string> = new Set(), window = WINDOW) {
    this.#events = events;
    this.#breaks = breaks;
    this.outgoing = new Outgoing(breaks);
    this.#incoming = new Incoming(breaks, window);
  }

  // --- the app's side

  write(bytes: Buffer): void {
    this.outgoing.write(bytes);
    this.flush();
  }

  finish(): void {
    this.outgoing.finish();
    this.flush();
  }

  /** Has written all, and reads no more. */
  stop(): void {
    this.outgoing.stop();
    this.#incoming.isStopping = true;
    this.#linger = setTimeout(() => this.reset('aborted'), LINGER);
    this.flush();
  }

  consume(length: number): void {
    this.#incoming.consume(length);
    if (this.#incoming.mustAck) this.flush();
  }

  reset(code: Reset): void {
    if (this.end) return;
    this.line?.send([{ type: 'reset', code: RESETS[code] }]);
    if (this.#breaks.has('reset-last')) this.line?.send([{ type: 'ping', id: 1 }]);
    this.#over({ reset: code, by: 'us' });
  }

  /** @returns its id */
  ping(): number {
    const asked = randomBytes(4).readUInt32BE();
    this.#ping = asked;
    this.flush();
    return asked;
  }

  /** The end of what was sent, a FIN included; whoever sends by hand sets it. */
  get sentEnd(): number {
    return this.outgoing.end;
  }

  set sentEnd(end: number) {
    this.outgoing.end = end;
  }

  /** Stream bytes that have come; whoever takes early data sets it. */
  get received(): number {
    return this.#incoming.received;
  }

  set received(received: number) {
    this.#incoming.received = received;
  }

  /** The peer's FIN. */
  get theirEnd(): number | undefined {
    return this.#incoming.end;
  }

  /** The highest limit that the peer was told. */
  get toldMost(): number {
    return this.#incoming.toldMost;
  }

  // --- the carrier's side

  get offsets(): Offsets {
    return this.#incoming.offsets;
  }

  attach({ line, peer, allowance = Infinity, resumable }: Attachment): void {
    if (this.end) return line.close();
    const isNext = this.#carriers++ > 0;
    this.line = line;
    this.#allowance = allowance;
    this.#resumable = resumable;
    this.#incoming.tell();
    if (peer.received > this.sentEnd && !this.#breaks.has('grant-offset')) return this.reset('bad-offset');
    this.outgoing.goOn(peer, isNext);
    line.listen({
      frames: (frames) => this.#isOn(line) && this.#take(frames),
      wrong: (code, _why, plaintext) => this.#isOn(line) && this.#wrong(code, plaintext),
      closed: () => this.#isOn(line) && this.#lost(),
    });
  }

  #take(frames: Frame[]): void {
    // As if the close, which may follow now, had come before it.
    if (!this.#breaks.has('end-order') || !this.outgoing.isDelivered) this.#receive(frames);
  }

  #isOn(line: Line): boolean {
    return this.line === line && this.end === undefined;
  }

  #wrong(code: 'bad-record' | 'bad-frame', plaintext?: Buffer): void {
    if (this.#breaks.has('bad-frame-whole') && plaintext) this.#events.data(plaintext.subarray(11, 13));
    this.#answer(code, code);
  }

  #lost(): void {
    this.line = undefined;
    this.#events.lost();
    if (!this.#resumable) this.#over('lost');
  }

  /** The session ends at this end alone. */
  abandon(): void {
    this.line?.close();
    this.#over('lost');
  }

  #over(end: End): void {
    if (this.end) return;
    clearTimeout(this.#ackTimer);
    clearTimeout(this.#linger);
    this.end = end;
    const { line } = this;
    if (!this.#breaks.has(end === 'complete' ? 'end-closes' : 'reset-closes')) line?.close();
    this.#events.over(end);
  }

  // --- what comes

  #receive(frames: Frame[]): void {
    for (const frame of frames) if (!this.end) this.#apply(frame);
    this.flush();
  }

  #apply(frame: Frame): void {
    switch (frame.type) {
      case 'data':
        return this.#data(frame.offset, frame.bytes);
      case 'ack':
        return this.#ack(frame);
      case 'fin':
        return this.#fin(frame.offset);
      case 'reset':
        return this.#reset(frame.code);
      case 'ping':
        this.#pong = frame.id;
        return;
      case 'pong':
        this.pongs += 1;
        this.lastPong = frame.id;
        if (this.#breaks.has('pong-unknown') && frame.id !== this.#ping) this.reset('bad-frame');
        return;
      case 'pad':
        if (this.#breaks.has('pad-ignored') && frame.bytes.some((byte) => byte !== 0)) this.reset('bad-frame');
        return;
      case 'stop':
        return this.#stopped();
    }
  }

  #data(offset: number, bytes: Buffer): void {
    const fresh = this.#incoming.data(offset, bytes);
    if (typeof fresh === 'string') return this.reset(fresh);
    if (fresh && !this.#incoming.isStopping) this.#events.data(fresh);
  }

  #fin(offset: number): void {
    const isNew = this.#incoming.fin(offset);
    if (typeof isNew === 'string') return this.reset(isNew);
    if (!isNew) return;
    this.#events.fin();
    if (this.#breaks.has('half-close')) this.outgoing.finish();
  }

  #ack({ received, limit }: Offsets): void {
    if (received > this.sentEnd) return this.#answer('bad-ack', 'bad-offset');
    if (received < this.outgoing.acked && this.#breaks.has('ack-lower')) return this.reset('bad-offset');
    this.outgoing.acknowledge({ received, limit });
  }

  #reset(code: number): void {
    const name = resetName(code);
    const isKnown = Object.hasOwn(RESETS, name);
    if (this.#breaks.has(isKnown ? 'reset-obeyed' : 'reset-unknown')) return;
    this.#over({ reset: isKnown ? name : 'aborted', by: 'them' });
  }

  #stopped(): void {
    if (this.theirEnd === undefined) return this.#answer('stop-early', 'bad-frame');
    if (this.#breaks.has('stop-obeyed')) return;
    if (this.isStopped && this.#breaks.has('stop-twice')) return this.reset('bad-frame');
    this.isStopped = true;
    this.outgoing.cutShort();
    this.#events.stop();
  }

  /** Unless it is to break the rule by which it must. */
  #answer(rule: string, code: Reset): void {
    if (!this.#breaks.has(rule)) this.reset(code);
  }

  // --- what goes

  get #isLimited(): boolean {
    return this.#allowance !== Infinity;
  }

  get #maySend(): boolean {
    if (!this.line || this.end) return false;
    return this.#breaks.has('limited-kept') || this.#allowance - this.line.sent >= RECORD_COST_MIN;
  }

  /** Sends what may be sent now. @param acknowledge an ACK as well, at once */
  flush(acknowledge = false): void {
    for (let isDue = acknowledge; this.#maySend; isDue = false) {
      const frames = this.#compose(isDue);
      if (frames.length === 0) break;
      if (this.#breaks.has('record-form')) this.line?.raw('a text');
      if (this.#breaks.has('frames-form')) this.line?.seal(Buffer.of(99));
      this.line?.send(frames);
    }
    if (this.#isComplete) this.#over('complete');
  }

  get #isComplete(): boolean {
    if (this.#breaks.has('end-early') && this.outgoing.isDelivered) return true;
    return this.outgoing.isDelivered && this.#incoming.isAcknowledged;
  }

  #compose(isDue: boolean): Frame[] {
    const frames: Frame[] = [];
    if (this.#pong !== undefined && !this.#breaks.has('ping-answer')) frames.push({ type: 'pong', id: this.#pong });
    this.#pong = undefined;
    if (this.#ping !== undefined) frames.push({ type: 'ping', id: this.#ping });
    this.#ping = undefined;
    frames.push(...this.outgoing.nextData(this.#isLimited), ...this.outgoing.nextEnd(this.theirEnd !== undefined));
    const { mustAck, owesAck } = this.#incoming;
    if (isDue || mustAck || (frames.length > 0 && owesAck)) frames.unshift(this.#nextAck());
    else if (owesAck) this.#ackLater();
    if (frames.length > 0 && (!this.#isLimited || this.#breaks.has('limited-records')))
      frames.push({ type: 'pad', bytes: Buffer.alloc(randomInt(PAD_MAX)) });
    return frames;
  }

  #nextAck(): Frame {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    return this.#incoming.nextAck();
  }

  #ackLater(): void {
    this.#ackTimer ??= setTimeout(() => {
      this.#ackTimer = undefined;
      this.flush(true);
    }, ACK_DELAY);
  }
}
