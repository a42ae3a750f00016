/**
 * The carriers of one session at the relay, one after another. Nothing here knows of WebSockets or keys, and the clock is passed in, so that
 * a test can run hours in a moment.
 */
import type { Code } from '../../protocol/errors.ts';
import { FIRST_RECORD_TIMEOUT } from '../../protocol/limits.ts';
import type { Frame, Offsets } from '../../protocol/session/frames.ts';
import type { FrameSink } from '../../protocol/session/parts.ts';
import type { Session } from '../../protocol/session/session.ts';
import type { Clock } from '../../protocol/waiting.ts';

export interface CarriersEvents {
  /** A record came under the client's keys: its hello was no replay. */
  heard(): void;
  /** The session waits for its next carrier. */
  waits(): void;
}

interface Coming {
  carrier: FrameSink;
  peer: Offsets;
  advertised: Offsets;
  /** Ends the wait for its first record. */
  settle(): void;
}

export class Carriers {
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #events: CarriersEvents;
  /** The carrier that the session is on. */
  #current: FrameSink | undefined;
  /** Granted to a resume, and not heard yet. */
  #coming: Coming | undefined;
  #isHeard = false;
  #stopWaiting: () => void = () => {};

  /** @param patience milliseconds for which the session waits for its next carrier; 0: it ends with its carrier */
  constructor(session: Session, clock: Clock, patience: number, events: CarriersEvents) {
    this.#session = session;
    this.#clock = clock;
    this.#patience = patience;
    this.#events = events;
  }

  get isWaiting(): boolean {
    return this.#current === undefined;
  }

  /** The carrier on which the session was opened. */
  begin(carrier: FrameSink, peer: Offsets, advertised: Offsets): void {
    this.#switch(carrier, peer, advertised);
  }

  /** A carrier that was granted to a resume. The session moves there with the first record on it, so one that fails harms nothing. */
  expect(carrier: FrameSink, peer: Offsets, advertised: Offsets): void {
    this.#refuse();
    const settle = this.#clock.after(FIRST_RECORD_TIMEOUT, () => this.#refuse());
    this.#coming = { carrier, peer, advertised, settle };
  }

  /** A record came. On a carrier that the session has left it says nothing. */
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

  /** What came is no record. */
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

  /** The client does not answer: what it sends on this carrier may never end. It can come back on another. */
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

  /** The carrier that was granted last is not wanted any more. */
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
