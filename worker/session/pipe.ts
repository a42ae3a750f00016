/** A session joined to its backend's TCP connection: the two pumps, and every way in which they end. */
import type { Bytes } from '../../protocol/bytes.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { LINGER } from '../../protocol/limits.ts';
import { relayEnd } from '../../protocol/session/relay-end.ts';
import { Session } from '../../protocol/session/session.ts';
import type { MemoryBudget } from '../../protocol/session/window.ts';
import { Wakeup } from '../../protocol/wakeup.ts';
import { type Expectation, PlaintextCheck } from '../admission/plaintext-check.ts';
import { clock } from '../clock.ts';
import type { Carried } from '../counters/tally.ts';
import { random } from '../random.ts';
import { ReadBuffer } from './read-buffer.ts';

/** Bytes of one write to a backend that gets what is left: one that takes so few within LINGER gets all of it. */
const LAST_WRITE = 16_384;

/** All windows and replay buffers of one isolate, 64 MiB: half of what it has. */
export const ISOLATE_WINDOWS_MAX = 67_108_864;

/** Growth stops here, at 48 MiB, so that a few fast sessions never refuse the next ones their first window. */
const ISOLATE_GROWTH_MAX = 50_331_648;

/** At a full window the relay reads on after this time, by one byte, to notice the backend's end. Reading it at once
 * would make records of one byte whenever a window is full for a moment. */
const LOOKAHEAD_DELAY = 500;

/** Sessions of one isolate share its memory. */
let reserved = 0;
const isolateBudget: MemoryBudget = {
  reserve(bytes, growth) {
    if (reserved + bytes > (growth ? ISOLATE_GROWTH_MAX : ISOLATE_WINDOWS_MAX)) return false;
    reserved += bytes;
    return true;
  },
  release(bytes) {
    reserved -= bytes;
  },
};

/** Of a socket to a backend, what a pipe needs. */
export type Connection = Pick<Socket, 'readable' | 'writable' | 'close'>;

/** What becomes of a pipe's session. */
export interface PipeEvents {
  /** It has ended on the wire; the backend may still get what came before. */
  ended(code: Code | undefined): void;
  /** At a session that waits for its next carrier: its client does not answer on this one. Any other session ends. */
  stalled?(): void;
}

/**
 * Puts a session on top of a backend's connection, which is closed where that cannot be.
 * @param expects of the app's first bytes
 * @param askAfter see `relayEnd`
 * @throws PuenteError `full` when the isolate's budget holds no further session.
 */
export async function join(
  backend: Connection,
  expects: Expectation,
  askAfter: number,
  events: PipeEvents,
): Promise<Pipe> {
  try {
    return new Pipe(backend, expects, askAfter, events);
  } catch (error) {
    await backend.close();
    throw error;
  }
}

export class Pipe {
  readonly session: Session;
  readonly carried: Carried = { up: 0, down: 0 };
  readonly #backend: Connection;
  readonly #plaintextCheck: PlaintextCheck;
  readonly #events: PipeEvents;
  readonly #reader: ReadableStreamBYOBReader;
  readonly #writer: WritableStreamDefaultWriter<Bytes>;
  readonly #readable = new Wakeup();
  readonly #writable = new Wakeup();
  readonly #buffer = new ReadBuffer(isolateBudget);
  /** The session has ended; what was received is still written, unless it was reset. */
  #over = false;
  /** All is written to the backend that ever will be. */
  #written = false;
  #done = false;
  /** By `Date.now()`. */
  #lastWrite = 0;
  #lingerTimer: number | null = null;
  /** Resolves when the backend gets no more: a write to one that reads nothing may never end. */
  readonly #givenUp = Promise.withResolvers<void>();

  constructor(backend: Connection, expects: Expectation, askAfter: number, events: PipeEvents) {
    this.#plaintextCheck = new PlaintextCheck(expects);
    this.#events = events;
    this.session = new Session({
      end: relayEnd(askAfter),
      clock,
      random,
      budget: isolateBudget,
      events: {
        readable: () => this.#readable.set(),
        writable: () => this.#writable.set(),
        stalled: () => (events.stalled ? events.stalled() : this.session.abandon('carrier-lost')),
        ended: (code) => this.#sessionEnded(code),
      },
    });
    this.#backend = backend;
    this.#reader = backend.readable.getReader({ mode: 'byob' });
    this.#writer = backend.writable.getWriter();
  }

  /** Resolves when nothing is left to do in either direction; the TCP connection is closed then, or cannot be. */
  async run(): Promise<void> {
    const written = this.#pump(this.#toBackend()).then(() => this.#haveWritten());
    const givenUp = this.#givenUp.promise;
    await Promise.all([Promise.race([written, givenUp]), this.#pump(this.#fromBackend())]);
    this.#done = true;
    clearTimeout(this.#lingerTimer);
    // A backend that broke meanwhile leaves bytes, which hold their window.
    this.session.discard();
    this.#buffer.release();
    await Promise.race([this.#backend.close().catch(() => {}), givenUp]);
  }

  async #pump(direction: Promise<void>): Promise<void> {
    try {
      await direction;
    } catch (error) {
      // The TCP connection broke; or the session has ended and this is its echo, which `reset` ignores.
      this.session.reset(error instanceof PuenteError ? error.code : 'backend-reset');
    }
  }

  /** client → backend. A `write` resolves when the kernel has taken the bytes: only then may the client send more. */
  async #toBackend(): Promise<void> {
    for (;;) {
      const bytes = this.session.take();
      if (bytes) {
        this.carried.up += bytes.length;
        const passed = this.#plaintextCheck.pass(bytes);
        if (passed.length > 0) await (this.#over ? this.#writeLast(passed) : this.#writer.write(passed));
        this.#lastWrite = Date.now();
        // Bytes that are held back are not the backend's yet.
        this.session.consumed(passed.length);
        this.session.flush();
      } else if (this.session.drained || this.#over) {
        this.#plaintextCheck.end();
        return this.#writer.close();
      } else {
        await this.#readable.wait();
      }
    }
  }

  /** In pieces, each of which gives the backend LINGER anew. */
  async #writeLast(bytes: Bytes): Promise<void> {
    for (let at = 0; at < bytes.length; at += LAST_WRITE) {
      this.#linger(Date.now());
      await this.#writer.write(bytes.subarray(at, at + LAST_WRITE));
    }
  }

  #haveWritten(): void {
    this.#written = true;
    if (this.#over) this.#linger(this.#lastWrite);
  }

  /**
   * backend → client. Reads no more than may be sent, so that TCP slows the backend down; but for one byte, so that
   * its FIN or reset is noticed at a full window too. What nobody wants any more is read all the same: a backend that
   * waits to be read does not read itself, and one that writes to a closed connection loses what it has not read.
   */
  async #fromBackend(): Promise<void> {
    for (;;) {
      const { size } = this.#buffer;
      const length = this.#over ? size : this.session.roomFor(size) || (await this.#waitForRoom());
      const { value, done } = await this.#reader.read(this.#buffer.view(length));
      if (done) break;
      this.carried.down += value.length;
      const owned = this.#buffer.filled(value, length);
      for (let rest = this.#send(value, owned); rest.length > 0 && !this.#over; rest = this.#send(rest, owned))
        await this.#writable.wait();
    }
    this.session.finish();
    this.session.flush();
  }

  async #waitForRoom(): Promise<number> {
    let patient = true;
    const cancel = clock.after(LOOKAHEAD_DELAY, () => {
      patient = false;
      this.#writable.set();
    });
    while (patient && !this.#over && this.session.roomFor(this.#buffer.size) === 0) await this.#writable.wait();
    cancel();
    return Math.min(this.session.room, this.#buffer.size) || 1;
  }

  /** What there was no room for. */
  #send(bytes: Bytes, owned: boolean): Bytes {
    const accepted = this.session.write(bytes, owned);
    this.session.flush();
    return bytes.subarray(accepted);
  }

  #sessionEnded(code: Code | undefined): void {
    this.#over = true;
    this.#events.ended(code);
    this.#readable.set();
    this.#writable.set();
    // A client that has ended in good order, or was lost, has broken off nothing: what it wrote is still delivered.
    if (code && code !== 'carrier-lost') this.#abort();
    else this.#linger(this.#written ? this.#lastWrite : Date.now());
  }

  /** Lets a backend go that has neither taken the next bytes nor ended LINGER after it took the last ones. */
  #linger(since: number): void {
    clearTimeout(this.#lingerTimer);
    if (this.#done) return;
    const left = since + LINGER - Date.now();
    if (left <= 0) this.#abort();
    else this.#lingerTimer = setTimeout(() => this.#abort(), left);
  }

  #abort(): void {
    this.session.discard();
    this.#reader.cancel().catch(() => {});
    // Not `abort()` on the writer: in a Durable Object the connection then stays open, also when its backend reads on.
    this.#backend.close().catch(() => {});
    this.#givenUp.resolve();
  }
}
