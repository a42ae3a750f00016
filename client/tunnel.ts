/** One session of the client's: opens its carrier, and gives the streams on top something simple to read and write. */
import { type Bytes, EMPTY } from '../protocol/bytes.ts';
import type { Wire } from '../protocol/carrier.ts';
import { type Code, PuenteError } from '../protocol/errors.ts';
import { isRepeatable } from '../protocol/flight.ts';
import { EARLY_DATA_MAX, EARLY_DATA_WAIT, OPEN_TIMEOUT } from '../protocol/limits.ts';
import { type Clock, Session } from '../protocol/session.ts';
import { Signal } from '../protocol/signal.ts';
import { Carriers } from './carriers.ts';
import { type HelloParts, openCarrier } from './handshake.ts';
import { type PathOptions, pathTo } from './path.ts';
import { random } from './random.ts';
import { findRelay } from './relay.ts';
import type { Runtime } from './runtime.ts';

/**
 * @example
 * ```ts
 * { relay: 'https://relay.example.org/#k=…', path: { limit: 15_000 } }
 * ```
 */
export interface ConnectOptions {
  /** A relay's link, `https://host/#k=…`, or the bare address of an open relay. */
  relay: string;
  /** For networks that freeze connections: what is known of them, and how fast new ones may follow. */
  path?: PathOptions;
}

export interface TunnelEvents {
  /** The backend is connected. */
  opened(): void;
  readable(): void;
  writable(): void;
  /** @param count how often by now */
  status(status: Status, count: number): void;
  /** Once, at the end; without an error both streams came to their ends. */
  ended(error?: PuenteError): void;
}

/**
 * `online`: there is a carrier that works, for the first time or again. `reconnecting`: it is lost or has stalled, and bytes
 * wait. `resumed`: they go on.
 */
export type Status = 'online' | 'reconnecting' | 'resumed';

const clock: Clock = {
  // Not `Date`: a clock that is set while a session runs must not look like silence.
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export class Tunnel {
  readonly #backend: string;
  readonly #runtime: Runtime;
  readonly #events: TunnelEvents;
  readonly #session: Session;
  readonly #cancelTimeout: () => void;
  readonly #written = new Signal();
  #flushing = false;
  #ended = false;
  /** Why it could not be opened, in more words than its code has. */
  #failure: PuenteError | undefined;
  /** The WebSocket until its grant has come; from then on its carrier closes it, after the last record. */
  #unanswered: Wire | undefined;
  #carriers: Carriers | undefined;
  readonly #counts = { online: 0, reconnecting: 0, resumed: 0 };

  /** @param backend `host:port`, or nothing, for a check */
  constructor(backend: string, options: ConnectOptions, runtime: Runtime, events: TunnelEvents) {
    this.#backend = backend;
    this.#runtime = runtime;
    this.#events = events;
    this.#session = new Session({
      end: 'client',
      clock,
      random,
      budget: { reserve: () => true, release: () => {} },
      events: {
        readable: events.readable,
        writable: events.writable,
        stalled: () => this.#carriers?.stalled(),
        ended: (code) => this.#end(code),
      },
    });
    clock.after(EARLY_DATA_WAIT, () => this.#written.set());
    this.#cancelTimeout = clock.after(OPEN_TIMEOUT, () => this.#session.abandon('timeout'));
    this.#open(options).catch((error: unknown) => this.#failed(error));
  }

  // --- for the streams on top ---------------------------------------------------------------------------------------

  /** Takes as many of the bytes as there is room for, copies them, and says how many. */
  write(bytes: Bytes): number {
    const accepted = this.#session.write(bytes);
    this.#flushSoon();
    this.#written.set();
    return accepted;
  }

  finish(): void {
    this.#session.finish();
    this.#flushSoon();
  }

  take(): Bytes | undefined {
    return this.#session.take();
  }

  consumed(length: number): void {
    this.#session.consumed(length);
    this.#flushSoon();
  }

  get drained(): boolean {
    return this.#session.drained;
  }

  close(): void {
    this.#session.close();
  }

  reset(): void {
    this.#session.reset('aborted');
  }

  get roundTrip(): number | undefined {
    return this.#session.roundTrip;
  }

  /** The writes of one tick leave in one record. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#session.flush();
    });
  }

  #end(code: Code | undefined): void {
    this.#ended = true;
    this.#cancelTimeout();
    this.#unanswered?.close();
    this.#carriers?.end();
    this.#events.ended(code && (this.#failure ?? new PuenteError(code)));
  }

  #failed(error: unknown): void {
    if (error instanceof PuenteError) {
      this.#failure = error;
      return this.#session.abandon(error.code);
    }
    // A bug: the app's socket must not hang, and nobody must miss it.
    this.#session.abandon('carrier-lost');
    throw error;
  }

  // --- opening ------------------------------------------------------------------------------------------------------

  async #open(options: ConnectOptions): Promise<void> {
    const [relay] = await Promise.all([findRelay(options.relay), this.#written.wait()]);
    if (this.#ended) return;
    const session = this.#session;
    const path = pathTo(relay.origin, clock);
    if (options.path) path.tune(options.path);
    // In a hello bytes take a third more: where they are counted they are better sent after the grant.
    const earlyData = path.isLimited ? EMPTY : session.earlyData(EARLY_DATA_MAX, isRepeatable);
    const told = session.offsets();
    const allowance = path.allowance(0.5);
    const hello: HelloParts = {
      kind: this.#backend ? 'open' : 'check',
      resumable: true,
      backend: this.#backend,
      limit: told.limit,
      allowance: allowance.down,
      earlyData,
    };
    const open = () => openCarrier(relay, this.#runtime, hello, (wire) => this.#keep(wire));
    const opened = await (path.isLimited ? path.inTurn(() => !this.#ended, open) : open());
    if (this.#ended || !opened) return;
    this.#cancelTimeout();
    this.#unanswered = undefined;
    this.#events.opened();
    this.#tell('online');
    this.#carriers = new Carriers(session, relay, path, this.#runtime, clock, (status) => this.#tell(status));
    this.#carriers.begin(opened, told, allowance);
  }

  #tell(status: Status): void {
    this.#events.status(status, ++this.#counts[status]);
  }

  #keep(wire: Wire): void {
    this.#unanswered = wire;
    if (this.#ended) wire.close();
  }
}
