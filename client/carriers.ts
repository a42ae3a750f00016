/**
 * The carriers of one session, one after another. The first comes with its opening. A session that can be resumed gets
 * the next when one is lost, at once, or beside one that has stalled; the first that is granted takes over, and one that fails
 * harms nothing.
 */
import type { Bytes } from '../protocol/bytes.ts';
import type { Carrier, Wire } from '../protocol/carrier.ts';
import { type Code, PuenteError } from '../protocol/errors.ts';
import type { Offsets } from '../protocol/frames.ts';
import { RESUME_PAUSE_MAX, RESUME_TIME, RESUME_TIMEOUT } from '../protocol/limits.ts';
import type { Clock, Session } from '../protocol/session.ts';
import { type OpenedCarrier, openCarrier } from './handshake.ts';
import { random } from './random.ts';
import type { Relay } from './relay.ts';
import type { Runtime } from './runtime.ts';

export interface CarriersEvents {
  /** There is no carrier, or one that has stalled; the next is on its way. */
  reconnecting(): void;
  resumed(): void;
}

/** Answers to a resume that no further attempt will change. */
const FINAL: readonly Code[] = ['session-unknown', 'version', 'bad-grant', 'link-invalid'];

export class Carriers {
  readonly #session: Session;
  readonly #relay: Relay;
  readonly #runtime: Runtime;
  readonly #clock: Clock;
  readonly #events: CarriersEvents;
  #resumable = false;
  #id!: Bytes;
  #secret!: Bytes;
  #current: Carrier | undefined;
  /** How many were tried after the first, which has number 0. */
  #number = 0;
  #resuming = false;
  #ended = false;
  /** Ends what an attempt waits for. */
  #cancel: () => void = () => {};

  constructor(session: Session, relay: Relay, runtime: Runtime, clock: Clock, events: CarriersEvents) {
    this.#session = session;
    this.#relay = relay;
    this.#runtime = runtime;
    this.#clock = clock;
    this.#events = events;
  }

  /** Begins with the carrier that the session was opened on. */
  begin(opened: OpenedCarrier, told: Offsets): void {
    this.#resumable = opened.granted.resumable;
    this.#id = opened.granted.session;
    this.#secret = opened.secret;
    this.#goOn(opened, told);
  }

  /** The carrier looks dead. */
  stalled(): void {
    this.#resume();
  }

  /** The session is over. */
  end(): void {
    this.#ended = true;
    this.#cancel();
  }

  #goOn(opened: OpenedCarrier, told: Offsets): void {
    const session = this.#session;
    const carrier = opened.carry({
      frames: (frames) => {
        if (this.#current === carrier) session.receive(frames);
      },
      failed: (code) => (this.#current === carrier ? session.reset(code) : carrier.close()),
      lost: () => this.#lost(carrier),
    });
    session.detach();
    this.#current?.close();
    this.#current = carrier;
    session.attach(carrier, opened.granted, told, this.#resumable);
    opened.deliver(carrier);
  }

  #lost(carrier: Carrier): void {
    if (this.#current !== carrier) return;
    this.#current = undefined;
    if (!this.#resumable) return this.#session.abandon('carrier-lost');
    this.#session.detach();
    this.#resume();
  }

  #resume(): void {
    if (this.#resuming || this.#ended) return;
    this.#resuming = true;
    this.#events.reconnecting();
    this.#tryUntilResumed().catch((error: unknown) => {
      // A bug: the app's socket must not hang, and nobody must miss it.
      this.#session.abandon('carrier-lost');
      throw error;
    });
  }

  async #tryUntilResumed(): Promise<void> {
    const start = this.#clock.now();
    for (let attempt = 0; this.#needsAnother; attempt += 1) {
      if (attempt > 0) await this.#pause(attempt);
      // Meanwhile it may have ended, or the old carrier have come to life again.
      if (!this.#needsAnother) break;
      const code = await this.#attempt();
      if (!code && this.#current) {
        this.#events.resumed();
        break;
      }
      const late = this.#clock.now() - start > RESUME_TIME;
      if (code && (FINAL.includes(code) || late)) this.#session.abandon(late ? 'carrier-lost' : code);
    }
    this.#resuming = false;
  }

  /** A new carrier may be lost as soon as it is there. */
  get #needsAnother(): boolean {
    return !this.#ended && (!this.#current || this.#session.isStalled);
  }

  /** Why it failed. */
  async #attempt(): Promise<Code | undefined> {
    this.#number += 1;
    const told = this.#session.offsets();
    const hello = { kind: 'resume', session: this.#id, carrier: this.#number, secret: this.#secret, ...told } as const;
    const wires: Wire[] = [];
    const opening = openCarrier(this.#relay, this.#runtime, hello, (wire) => wires.push(wire));
    try {
      const opened = await this.#within(RESUME_TIMEOUT, opening);
      if (opened && !this.#ended) {
        this.#goOn(opened, told);
        return undefined;
      }
      opening.catch(() => {});
      for (const wire of wires) wire.close();
      return 'timeout';
    } catch (error) {
      if (error instanceof PuenteError) return error.code;
      throw error;
    }
  }

  /** Random, so that those whom one event has cut do not all come back at once. */
  async #pause(attempt: number): Promise<void> {
    const [byte = 0] = random(1);
    const most = Math.min(RESUME_PAUSE_MAX, 100 * 2 ** attempt);
    await this.#within((most * (byte + 1)) / 256, new Promise<never>(() => {}));
  }

  /** `undefined` when it takes longer, or when the session ends first. */
  #within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const timeout = this.#clock.after(ms, () => resolve(undefined));
      this.#cancel = () => {
        timeout();
        resolve(undefined);
      };
      promise.then(resolve, reject).finally(timeout);
    });
  }
}
