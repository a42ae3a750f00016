/**
 * A carrier: frames into sealed records, one record per WebSocket message, and back. Sealing may be asynchronous, so
 * several records can be in the works at once; they leave, and are delivered, in order.
 */
import type { Bytes } from './bytes.ts';
import type { Awaitable } from './cipher.ts';
import { type Code, PuenteError } from './errors.ts';
import { decodeFrames, encodeFrames, type Frame } from './frames.ts';
import { RECORD_MAX, TAG, UNOPENED_MAX, UNOPENED_RECORDS_MAX } from './limits.ts';
import type { Transport } from './noise.ts';

/** What a carrier needs of a WebSocket. */
export interface Wire {
  send(message: Bytes): void;
  close(): void;
}

export interface CarrierEvents {
  frames(frames: Frame[]): void;
  /** The peer's record is not one, or no more can be sealed. Nothing is delivered after this. */
  failed(code: Code): void;
  /** The WebSocket has ended, and everything that came before is delivered. */
  lost(): void;
}

export class Carrier {
  readonly #transport: Transport;
  readonly #events: CarrierEvents;
  readonly #outgoing: InOrder<Bytes | 'close'>;
  readonly #incoming: InOrder<Bytes | 'lost'>;
  #unopened = 0;
  #unopenedRecords = 0;
  #deaf = false;

  constructor(transport: Transport, wire: Wire, events: CarrierEvents) {
    this.#transport = transport;
    this.#events = events;
    this.#outgoing = new InOrder(
      (record) => (record === 'close' ? wire.close() : wire.send(record)),
      (error) => this.#fail(codeOf(error)),
    );
    this.#incoming = new InOrder(
      (plaintext) => (plaintext === 'lost' ? this.#lose() : this.#deliver(plaintext)),
      (error) => this.#fail(codeOf(error)),
    );
  }

  send(frames: Frame[]): void {
    this.#outgoing.push(() => this.#transport.seal(encodeFrames(frames)));
  }

  /** Closes the WebSocket once everything sent before has left. */
  close(): void {
    this.#deaf = true;
    this.#outgoing.push(() => 'close');
  }

  /** The next message from the WebSocket. */
  receive(message: unknown): void {
    if (this.#deaf) return;
    if (!(message instanceof ArrayBuffer)) return this.#fail('bad-record');
    if (message.byteLength > RECORD_MAX || message.byteLength < TAG) return this.#fail('bad-record');
    this.#unopened += message.byteLength;
    this.#unopenedRecords += 1;
    if (this.#unopened > UNOPENED_MAX || this.#unopenedRecords > UNOPENED_RECORDS_MAX) return this.#fail('flood');
    this.#incoming.push(() => this.#transport.open(new Uint8Array(message)));
  }

  /** The WebSocket has ended. Records that are still being opened come first: one may be the last ACK. */
  lost(): void {
    this.#incoming.push(() => 'lost');
  }

  #lose(): void {
    if (this.#deaf) return;
    this.#deaf = true;
    this.#events.lost();
  }

  #deliver(plaintext: Bytes): void {
    this.#unopened -= plaintext.length + TAG;
    this.#unopenedRecords -= 1;
    if (this.#deaf) return;
    try {
      this.#events.frames(decodeFrames(plaintext));
    } catch (error) {
      if (!(error instanceof PuenteError)) throw error;
      this.#fail(error.code);
    }
  }

  #fail(code: Code): void {
    if (this.#deaf) return;
    this.#deaf = true;
    this.#events.failed(code);
  }
}

/** A cipher that refuses says nothing of why: the record is not the next one of this key. */
function codeOf(error: unknown): Code {
  return error instanceof PuenteError ? error.code : 'bad-record';
}

/** Awaits values that were started in order and hands them on in that order; at once where nothing is to be awaited. */
class InOrder<T> {
  readonly #done: (value: T) => void;
  readonly #failed: (error: unknown) => void;
  #last: Promise<void> | undefined;

  constructor(done: (value: T) => void, failed: (error: unknown) => void) {
    this.#done = done;
    this.#failed = failed;
  }

  push(start: () => Awaitable<T>): void {
    let value: Awaitable<T>;
    try {
      value = start();
    } catch (error) {
      value = Promise.reject(error);
    }
    if (!this.#last && !(value instanceof Promise)) return this.#done(value);
    // Without a handler now, a rejection that waits for its turn would count as unhandled.
    if (value instanceof Promise) value.catch(() => {});
    const last: Promise<void> = (this.#last ?? Promise.resolve())
      .then(() => value)
      .then(this.#done, this.#failed)
      .finally(() => {
        if (this.#last === last) this.#last = undefined;
      });
    this.#last = last;
  }
}
