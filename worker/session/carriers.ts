/**
 * The carriers of one session at the relay, one after another. This file knows nothing of WebSockets or keys. The clock
 * is passed in, so that a test can run hours in a moment.
 */
import type { Code } from '../../protocol/errors.ts';
import { FIRST_RECORD_TIMEOUT } from '../../protocol/limits.ts';
import type { Frame, Offsets } from '../../protocol/session/frames.ts';
import type { FrameSink } from '../../protocol/session/parts.ts';
import type { Session } from '../../protocol/session/session.ts';
import type { Clock } from '../../protocol/waiting.ts';

export interface CarriersEvents {
  /** A record came under the client's keys: so the client's hello was no replay. */
  heard(): void;
  /** The session waits for its next carrier. */
  waits(): void;
}

interface Coming {
  carrier: FrameSink;
  peer: Offsets;
  advertised: Offsets;
  /** Ends the wait for the first record on this carrier. */
  settle(): void;
}

export class Carriers {
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #events: CarriersEvents;
  /** The carrier that the session is on. */
  #current: FrameSink | undefined;
  /** The carrier that was granted to a resume. No record has come on it yet. */
  #coming: Coming | undefined;
  #isHeard = false;
  #stopWaiting: () => void = () => {};

  /** @param patience milliseconds that the session waits for its next carrier; 0: the session ends with its carrier */
  constructor(session: Session, clock: Clock, patience: number, events: CarriersEvents) {
    this.#session = session;
    this.#clock = clock;
    this.#patience = patience;
    this.#events = events;
  }

  get isWaiting(): boolean {
    return this.#current === undefined;
  }

  /** Begins on the carrier on which the session was opened. */
  begin(carrier: FrameSink, peer: Offsets, advertised: Offsets): void {
    this.#switch(carrier, peer, advertised);
  }

  /**
   * Expects a record on a carrier that was granted to a resume. The session moves to the carrier with the first record,
   * so a carrier that fails before its first record harms nothing.
   */
  expect(carrier: FrameSink, peer: Offsets, advertised: Offsets): void {
    this.#refuse();
    const settle = this.#clock.after(FIRST_RECORD_TIMEOUT, () => this.#refuse());
    this.#coming = { carrier, peer, advertised, settle };
  }

  /** Takes a record. Ignores a record on a carrier that the session has left. */
  frames(carrier: FrameSink, record: Frame[]): void {
    const coming = this.#coming;
    if (coming?.carrier === carrier) {
      this.#settle();
      this.#hear();
      this.#switch(carrier, coming.peer, coming.advertised, record);
    } else if (this.#current === carrier) {
      this.#hear();
      this.#session.receive(record);
    }
  }

  /** Handles a message that is no record. */
  failed(carrier: FrameSink, code: Code): void {
    if (this.#current === carrier) this.#session.reset(code);
    else carrier.close();
  }

  lost(carrier: FrameSink): void {
    if (this.#coming?.carrier === carrier) this.#settle();
    if (this.#current !== carrier) return;
    this.#current = undefined;
    if (this.#patience === 0) return this.#session.abandon('carrier-lost');
    this.#session.detach();
    const patience = this.#isHeard ? this.#patience : FIRST_RECORD_TIMEOUT;
    this.#stopWaiting = this.#clock.after(patience, () => this.#session.abandon('carrier-lost'));
    this.#events.waits();
  }

  /**
   * Drops the carrier of a client that does not answer. The client's direction of the carrier may never end, so do not
   * wait for it. The client can come back on another carrier.
   */
  drop(): void {
    const carrier = this.#current;
    if (!carrier) return;
    carrier.close();
    this.lost(carrier);
  }

  /** The session has ended. */
  end(): void {
    this.#stopWaiting();
    this.#refuse();
    this.#current = undefined;
  }

  /** Closes the carrier that was granted last: the session does not want this carrier any more. */
  #refuse(): void {
    const carrier = this.#coming?.carrier;
    this.#settle();
    carrier?.close();
  }

  #settle(): void {
    this.#coming?.settle();
    this.#coming = undefined;
  }

  #hear(): void {
    this.#isHeard = true;
    this.#events.heard();
  }

  #switch(carrier: FrameSink, peer: Offsets, advertised: Offsets, first?: Frame[]): void {
    this.#stopWaiting();
    this.#session.detach();
    this.#current?.close();
    this.#current = carrier;
    this.#session.attach(carrier, peer, advertised, this.#patience > 0, first);
  }
}
