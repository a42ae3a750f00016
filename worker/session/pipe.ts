/** A session joined to its backend's TCP connection: the two pumps, and every way in which the pumps end. */
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

/**
 * Bytes of one write to a backend after the session has ended. A backend that takes this many bytes within LINGER gets
 * all that is left.
 */
const LAST_WRITE = 16_384;

/** Bytes of all windows, replay buffers and read buffers of one isolate: 64 MiB, half of the isolate's memory. */
export const ISOLATE_WINDOWS_MAX = 67_108_864;

/** Growth stops here, at 48 MiB. So a few fast sessions never take the memory for the first windows of new sessions. */
const ISOLATE_GROWTH_MAX = 50_331_648;

/**
 * Milliseconds at a full window after which the relay reads one byte more, to notice the backend's end. To read at once
 * would make records of one byte whenever a window is full for a moment.
 */
const LOOKAHEAD_DELAY = 500;

/** Bytes in use: the sessions of one isolate share the isolate's memory. */
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

/** The part of a backend's socket that a pipe needs. */
export type Connection = Pick<Socket, 'readable' | 'writable' | 'close'>;

/** The events of a pipe's session. */
export interface PipeEvents {
  /** The session has ended on the wire. The backend may still get the bytes that came before the end. */
  ended(code: Code | undefined): void;
  /** The client does not answer on this carrier. Only for sessions that wait for a next carrier: the others end. */
  stalled?(): void;
}

/**
 * Puts a session on top of a backend's connection. Closes the connection if that fails.
 * @param expects the expectation for the app's first bytes
 * @param askAfter see `relayEnd`
 * @throws PuenteError `full` when the isolate's budget holds no further session
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
  /** The session has ended. Received bytes are still written to the backend, unless the session was reset. */
  #over = false;
  /** The last write to the backend is done. */
  #written = false;
  #done = false;
  /** The time of the last write to the backend, by `Date.now()`. */
  #lastWrite = 0;
  #lingerTimer: number | null = null;
  /** Resolves when the backend gets no more bytes: a write to a backend that reads nothing may never end. */
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

  /**
   * Resolves when nothing is left to do in either direction. The TCP connection is closed then, or cannot be closed.
   */
  async run(): Promise<void> {
    const written = this.#pump(this.#toBackend()).then(() => this.#haveWritten());
    const givenUp = this.#givenUp.promise;
    await Promise.all([Promise.race([written, givenUp]), this.#pump(this.#fromBackend())]);
    this.#done = true;
    clearTimeout(this.#lingerTimer);
    // A backend that broke meanwhile leaves bytes behind. The bytes would hold their window.
    this.session.discard();
    this.#buffer.release();
    await Promise.race([this.#backend.close().catch(() => {}), givenUp]);
  }

  async #pump(direction: Promise<void>): Promise<void> {
    try {
      await direction;
    } catch (error) {
      // The TCP connection broke. Or the session had ended, and this error is the result: `reset` then does nothing.
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
        // Count only the bytes that passed: the backend does not have the bytes that the check holds back.
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

  /** Writes in pieces. Each piece gives the backend LINGER anew. */
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
   * backend → client. Reads no more than may be sent, so that TCP slows the backend down. At a full window, reads one
   * byte more, to notice the backend's FIN or reset.
   *
   * After the session's end, still reads, though nobody wants the bytes any more. A backend that waits for its reader
   * does not read itself. A backend that writes to a closed connection loses the bytes that it has not read.
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

  /** Sends bytes to the client. Returns the bytes for which there was no room. */
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
    // A client that ended in good order, or was lost, has broken off nothing: still deliver the bytes that it wrote.
    if (code && code !== 'carrier-lost') this.#abort();
    else this.#linger(this.#written ? this.#lastWrite : Date.now());
  }

  /** Lets a backend go LINGER after it took the last bytes, unless the backend takes the next bytes or ends. */
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
    // Do not `abort()` the writer: in a Durable Object the connection then stays open, also when the backend reads on.
    this.#backend.close().catch(() => {});
    this.#givenUp.resolve();
  }
}
