/**
 * A carrier seals frames into records, one record per WebSocket message, and opens the peer's records. Sealing may be
 * asynchronous, so several records can be in work at once. They leave, and are delivered, in order.
 */
import { type Bytes, bytesOf, free } from '../bytes.ts';
import { type Code, PuenteError } from '../errors.ts';
import { RECORD_COST_MIN, RECORD_HEADERS, RECORD_MAX, TAG, UNOPENED_MAX, UNOPENED_RECORDS_MAX } from '../limits.ts';
import { decodeFrames, encodeFrames, type Frame } from '../session/frames.ts';
import type { Awaitable } from './cipher.ts';
import type { Transport } from './noise.ts';

/** What a carrier needs from a WebSocket. */
export interface Wire {
  /** Must have read the message when it returns: the next message may be made in the same memory. */
  send(message: Bytes): void;
  close(): void;
}

export interface CarrierEvents {
  frames(frames: Frame[]): void;
  /** The peer's message is not a record, or no more records can be sealed. Nothing is delivered after this. */
  failed(code: Code): void;
  /** The WebSocket has ended, and everything that came before is delivered. */
  lost(): void;
}

/** The part of a carrier's allowance that a record of this length uses, in bytes. */
export function costOf(length: number): number {
  return Math.max(RECORD_COST_MIN, length + RECORD_HEADERS);
}

export class Carrier {
  readonly #transport: Transport;
  readonly #events: CarrierEvents;
  readonly #most: number;
  /** What was sent and heard so far, as `costOf` counts it for the allowance. */
  sent = 0;
  heard = 0;
  readonly #outgoing: InOrder<Bytes | 'close'>;
  readonly #incoming: InOrder<Bytes | 'lost'>;
  #unopened = 0;
  #unopenedRecords = 0;
  #isStopped = false;

  /**
   * @param allowance what may be sent on this carrier, in bytes as `costOf` counts them; Infinity on a path without a
   * known limit
   */
  constructor(transport: Transport, wire: Wire, events: CarrierEvents, allowance: number) {
    this.#transport = transport;
    this.#events = events;
    this.#most = allowance;
    this.#outgoing = new InOrder(
      (record) => (record === 'close' ? wire.close() : wire.send(record)),
      (error) => this.#fail(codeOf(error)),
    );
    this.#incoming = new InOrder(
      (plaintext) => (plaintext === 'lost' ? this.#lose() : this.#deliver(plaintext)),
      (error) => this.#fail(codeOf(error)),
    );
  }

  /** The rest of the allowance, in bytes as `costOf` counts them. */
  get allowance(): number {
    return this.#most - this.sent;
  }

  send(frames: Frame[]): void {
    this.#outgoing.push(() => {
      const plaintext = encodeFrames(frames);
      this.sent += costOf(plaintext.length + TAG);
      return this.#transport.seal(plaintext);
    });
  }

  /** Closes the WebSocket once everything sent before has left. */
  close(): void {
    this.#isStopped = true;
    this.#outgoing.push(() => 'close');
  }

  /** Takes the next message from the WebSocket. Its bytes belong to the carrier from now on. */
  receive(message: unknown): void {
    if (this.#isStopped) return;
    const record = bytesOf(message);
    if (!record || record.length > RECORD_MAX || record.length < TAG) return this.#fail('bad-record');
    this.heard += costOf(record.length);
    this.#unopened += record.length;
    this.#unopenedRecords += 1;
    if (this.#unopened > UNOPENED_MAX || this.#unopenedRecords > UNOPENED_RECORDS_MAX) return this.#fail('flood');
    this.#incoming.push(
      () => this.#transport.open(record),
      () => free(record),
    );
  }

  /** The WebSocket has ended. Deliver the records that are still being opened first: one may hold the last ACK. */
  lost(): void {
    this.#incoming.push(() => 'lost');
  }

  #lose(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#events.lost();
  }

  #deliver(plaintext: Bytes): void {
    this.#unopened -= plaintext.length + TAG;
    this.#unopenedRecords -= 1;
    if (this.#isStopped) return;
    try {
      this.#events.frames(decodeFrames(plaintext));
    } catch (error) {
      if (!(error instanceof PuenteError)) throw error;
      this.#fail(error.code);
    }
  }

  #fail(code: Code): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#events.failed(code);
  }
}

/** A cipher gives no reason when it refuses: the record is not the next one of this key. */
function codeOf(error: unknown): Code {
  return error instanceof PuenteError ? error.code : 'bad-record';
}

/**
 * Awaits values that were started in order, and hands them on in that order. Hands a value on at once where nothing is
 * to be awaited.
 */
class InOrder<T> {
  readonly #done: (value: T) => void;
  readonly #failed: (error: unknown) => void;
  /** A slot for each value, in order. `settle` hands the value on, and is set once the value is there. */
  readonly #waiting: { settle?: () => void }[] = [];

  constructor(done: (value: T) => void, failed: (error: unknown) => void) {
    this.#done = done;
    this.#failed = failed;
  }

  /** @param ready is called as soon as the value is there, even before its turn */
  push(start: () => Awaitable<T>, ready?: () => void): void {
    let value: Awaitable<T>;
    try {
      value = start();
    } catch (error) {
      return this.#settle(this.#place(), () => this.#failed(error));
    }
    if (!(value instanceof Promise)) return this.#now(value, ready);
    const place = this.#place();
    value.then(
      (result) => {
        ready?.();
        this.#settle(place, () => this.#done(result));
      },
      (error: unknown) => this.#settle(place, () => this.#failed(error)),
    );
  }

  #now(value: T, ready?: () => void): void {
    ready?.();
    if (this.#waiting.length === 0) this.#done(value);
    else this.#settle(this.#place(), () => this.#done(value));
  }

  #place(): { settle?: () => void } {
    const place = {};
    this.#waiting.push(place);
    return place;
  }

  #settle(place: { settle?: () => void }, settle: () => void): void {
    place.settle = settle;
    while (this.#waiting[0]?.settle) this.#waiting.shift()?.settle?.();
  }
}
