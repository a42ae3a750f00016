/**
 * One session of the client. It opens the session's carrier, and gives the streams above it something simple to read
 * and write.
 */
import { type Bytes, EMPTY } from '../protocol/bytes.ts';
import { isRepeatable } from '../protocol/early-data.ts';
import { type Code, PuenteError } from '../protocol/errors.ts';
import { EARLY_DATA_MAX, EARLY_DATA_WAIT, OPEN_TIMEOUT } from '../protocol/limits.ts';
import { CLIENT_END } from '../protocol/session/client-end.ts';
import { Session } from '../protocol/session/session.ts';
import { Wakeup } from '../protocol/wakeup.ts';
import { Carriers } from './carriers/carriers.ts';
import { type HelloParts, openCarrier } from './carriers/handshake.ts';
import { type PathOptions, pathTo } from './carriers/path.ts';
import { clock } from './clock.ts';
import { random } from './random.ts';
import type { Attempt, Candidate, Status } from './relays/attempt.ts';
import type { Relays } from './relays/relays.ts';
import { findRelay } from './relays/resolve.ts';
import type { Runtime } from './runtime.ts';

export { CLOCK_ERROR_MAX } from './carriers/handshake.ts';

/**
 * @example
 * ```ts
 * { relay: 'https://relay.example.org/#p…', path: { limit: 15_000 } }
 * ```
 */
export interface ConnectOptions {
  /**
   * A relay's link, `https://host/#p…`, or the bare address of an open relay; or a `Relays` of several to choose from.
   */
  relay: string | Relays;
  /**
   * For networks that freeze connections: what the app knows about them, and how fast new connections may follow each
   * other.
   */
  path?: PathOptions;
}

export interface TunnelEvents {
  /** The backend is connected. */
  opened(): void;
  readable(): void;
  writable(): void;
  /** @param count how often this status has come so far */
  status(status: Status, count: number): void;
  /** Called once, at the end. If there is no error, both streams came to their ends. */
  ended(error?: PuenteError): void;
}

export class Tunnel {
  readonly #backend: string;
  readonly #options: ConnectOptions;
  readonly #runtime: Runtime;
  readonly #events: TunnelEvents;
  readonly #session: Session;
  readonly #cancelTimeout: () => void;
  readonly #written = new Wakeup();
  #flushing = false;
  /** Why the session could not be opened, in more words than the code has. */
  #failure: PuenteError | undefined;
  /** Aborted when the session has ended, to stop whatever is under way for it. */
  readonly #over = new AbortController();
  /** The relay that the session is on. */
  #candidate: Candidate | undefined;
  #carriers: Carriers | undefined;
  readonly #counts = { online: 0, reconnecting: 0, resumed: 0 };

  /** @param backend `host:port`; empty for a check */
  constructor(backend: string, options: ConnectOptions, runtime: Runtime, events: TunnelEvents) {
    this.#backend = backend;
    this.#options = options;
    this.#runtime = runtime;
    this.#events = events;
    this.#session = new Session({
      end: CLIENT_END,
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
    this.#open().catch((error: unknown) => this.#failed(error));
  }

  // --- for the streams on top ---------------------------------------------------------------------------------------

  /** Copies as many of the bytes as there is room for, and returns how many. */
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
    this.#cancelTimeout();
    this.#over.abort();
    this.#candidate?.report?.(code);
    this.#events.ended(code && (this.#failure ?? new PuenteError(code)));
  }

  #failed(error: unknown): void {
    if (error instanceof PuenteError) {
      this.#failure = error;
      return this.#session.abandon(error.code);
    }
    // A bug. The app's socket must not hang, and the error must not go unnoticed.
    this.#session.abandon('carrier-lost');
    throw error;
  }

  // --- opening ------------------------------------------------------------------------------------------------------

  async #open(): Promise<void> {
    await this.#written.wait();
    const { relay } = this.#options;
    const over = this.#over.signal;
    const begin = await (typeof relay === 'string'
      ? this.#attempt({ address: relay }, over, true)
      : relay.open(this.#attempt, over));
    if (over.aborted || !begin) return;
    this.#cancelTimeout();
    begin();
  }

  /** Opens a carrier through one relay. Returns a function that begins the session on this carrier. */
  readonly #attempt: Attempt<() => void> = async (candidate, signal, isAlone) => {
    const relay = await findRelay(candidate.address);
    if (signal.aborted) return undefined;
    const session = this.#session;
    const path = pathTo(new URL(relay.url).origin);
    path.tune(this.#options.path);
    // In a hello, bytes take a third more. On a limited path it is better to send them after the grant.
    const mayCarry = isAlone && !path.isLimited;
    const told = session.offsets();
    const allowance = path.allowance(0.5);
    const hello: HelloParts = {
      kind: this.#backend ? 'open' : 'check',
      resumable: true,
      backend: this.#backend,
      allowance: allowance.down,
      ...told,
      earlyData: mayCarry ? session.earlyData(EARLY_DATA_MAX, isRepeatable) : EMPTY,
    };
    const opened = await path.inTurn(
      () => !signal.aborted,
      () => openCarrier(relay, this.#runtime, hello, signal),
    );
    return (
      opened &&
      (() => {
        this.#candidate = candidate;
        const { signal: over } = this.#over;
        this.#carriers = new Carriers(session, relay, path, this.#runtime, over, (status) => this.#tell(status));
        this.#events.opened();
        this.#tell('online');
        this.#carriers.begin(opened, told, allowance);
      })
    );
  };

  #tell(status: Status): void {
    this.#candidate?.report?.(status);
    this.#events.status(status, ++this.#counts[status]);
  }
}
