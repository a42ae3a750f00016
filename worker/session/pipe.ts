/** A session joined to its backend's TCP connection: the two pumps, and every way in which they end. */
import type { Bytes } from '../../protocol/bytes.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { LINGER } from '../../protocol/limits.ts';
import { type Clock, Session } from '../../protocol/session/session.ts';
import type { Budget } from '../../protocol/session/window.ts';
import { Wakeup } from '../../protocol/wakeup.ts';
import { type Expectation, PlaintextCheck } from '../admission/plaintext-check.ts';
import type { Carried } from '../counters/tally.ts';
import { random } from '../random.ts';
import { ReadBuffer } from './read-buffer.ts';

/** All windows and replay buffers of one isolate, 64 MiB: half of what it has. */
export const ISOLATE_WINDOWS_MAX = 67_108_864;

/** Growth stops here, at 48 MiB, so that a few fast sessions never refuse the next ones their first window. */
const ISOLATE_GROWTH_MAX = 50_331_648;

/** At a full window the relay reads on after this time, by one byte, to notice the backend's end. Reading it at once
 * would make records of one byte whenever a window is full for a moment. */
const LOOKAHEAD_DELAY = 500;

const clock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Sessions of one isolate share its memory. */
let reserved = 0;
const isolateBudget: Budget = {
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
 * @param askAfter see `Session`
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
  #over = false;
  #drained = false;
  #drainTimer: number | null = null;

  constructor(backend: Connection, expects: Expectation, askAfter: number, events: PipeEvents) {
    this.#plaintextCheck = new PlaintextCheck(expects);
    this.#events = events;
    this.session = new Session({
      end: 'relay',
      clock,
      random,
      budget: isolateBudget,
      askAfter,
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

  /** Resolves when nothing is left to do in either direction; the TCP connection is closed then. */
  async run(): Promise<void> {
    await Promise.all([this.#pump(this.#toBackend()), this.#pump(this.#fromBackend())]);
    // A backend that broke while it was drained leaves bytes, which hold their window.
    this.session.discard();
    this.#buffer.release();
    this.#drained = true;
    clearTimeout(this.#drainTimer);
    await this.#backend.close().catch(() => {});
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
        if (passed.length > 0) await this.#writer.write(passed);
        this.session.consumed(bytes.length);
        this.session.flush();
      } else if (this.session.drained) {
        this.#plaintextCheck.end();
        return this.#writer.close();
      } else if (this.#over) {
        return;
      } else {
        await this.#readable.wait();
      }
    }
  }

  /**
   * backend → client. Reads no more than may be sent, so that TCP slows the backend down; but for one byte, so that
   * its FIN or reset is noticed at a full window too.
   */
  async #fromBackend(): Promise<void> {
    while (!this.#over) {
      const length = this.session.roomFor(this.#buffer.size) || (await this.#waitForRoom());
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
    if (this.#drained) return;
    if (code && code !== 'closed') return this.#abort();
    // The client has left in good order: what it wrote is still delivered, if the backend takes it in time.
    if (code) this.#reader.cancel().catch(() => {});
    this.#drainTimer = setTimeout(() => this.#abort(), LINGER);
  }

  #abort(): void {
    this.session.discard();
    this.#reader.cancel().catch(() => {});
    // Not `abort()` on the writer: in a Durable Object the connection then stays open.
    this.#backend.close().catch(() => {});
  }
}
