/** A session in a hub: it moves from carrier to carrier, and leaves a tombstone when it has ended. */
import { type Bytes, EMPTY, equal } from '../../protocol/bytes.ts';
import type { OpenHello, ResumeHello } from '../../protocol/carrier/hello.ts';
import type { Responder } from '../../protocol/carrier/noise.ts';
import type { Code } from '../../protocol/errors.ts';
import type { Session } from '../../protocol/session/session.ts';
import type { Slot } from '../admission/slots.ts';
import { cipher } from '../cipher.ts';
import { clock } from '../clock.ts';
import { Carriers } from './carriers.ts';
import { Ending } from './ending.ts';
import { carryFor, open } from './opening.ts';
import type { Pipe } from './pipe.ts';
import { carry, type Granting, type RelayWire, sendGrant } from './wire.ts';

/** Whether a resume hello comes from the client that opened the session; in constant time. */
export async function proves(secret: Bytes, binding: Bytes, mac: Bytes): Promise<boolean> {
  return equal(await cipher.hmac(secret, binding), mac);
}

/** The facts by which a client resumes a session, also when the session has ended. */
export interface Title {
  id: Bytes;
  /** In a private relay, the name of the invite that opened the session: no other invite resumes the session. */
  invite: string | undefined;
  /** Milliseconds for which the session waits for its next carrier, or is remembered when it has ended. */
  patience: number;
}

const granting = ({ id, patience }: Title): Granting => ({ resumable: true, patience, session: id });

export class HeldSession {
  readonly title: Title;
  readonly #session: Session;
  readonly #carriers: Carriers;
  /** The exported secret of the handshake that opened the session; empty until then. */
  secret: Bytes = EMPTY;
  /** The highest carrier number that the session's client has proven. */
  latest = 0;

  /**
   * @param slot learns whether the client has spoken and has a carrier. Ends a session that has to give way.
   * @param onWaiting called when the session begins to wait for its next carrier
   */
  constructor(title: Title, { session }: Pipe, slot: Slot, onWaiting: () => void) {
    this.title = title;
    this.#session = session;
    this.#carriers = new Carriers(session, clock, title.patience, {
      heard() {
        slot.isCarried = true;
      },
      waits() {
        slot.isCarried = false;
        onWaiting();
      },
    });
    slot.displaced.signal.addEventListener('abort', () => session.abandon('carrier-lost'));
  }

  /** No carrier of this session holds the hub in memory. */
  get isWaiting(): boolean {
    return this.#carriers.isWaiting;
  }

  async open(wire: RelayWire, handshake: Responder, hello: OpenHello): Promise<void> {
    const terms = granting(this.title);
    const transport = await open(wire, handshake, hello, this.#session, this.#carriers, terms, hello.allowance);
    this.secret = transport.secret;
  }

  async resume(wire: RelayWire, handshake: Responder, hello: ResumeHello): Promise<void> {
    this.latest = hello.carrier;
    const advertised = this.#session.offsets();
    const grant = { ...granting(this.title), ...advertised };
    const transport = await sendGrant(wire, handshake, grant, hello.allowance);
    const carrier = carryFor(this.#carriers, wire, transport, hello.allowance);
    // The client has asked for a later carrier meanwhile.
    if (hello.carrier < this.latest) return carrier.close();
    this.#carriers.expect(carrier, hello, advertised);
    if (wire.lost) carrier.lost();
  }

  dropCarrier(): void {
    this.#carriers.drop();
  }

  /** The tombstone for a client that was away; `undefined` if there is nothing to tell the client. */
  tombstone(code: Code | undefined): Tombstone | undefined {
    this.#carriers.end();
    const ending = new Ending(this.#session.offsets(), code);
    return ending.isTold ? new Tombstone(this.title, this.secret, this.latest, ending) : undefined;
  }
}

/** A session that has ended. */
export class Tombstone {
  readonly title: Title;
  readonly secret: Bytes;
  readonly #ending: Ending;
  latest: number;
  /** Ends the tombstone. */
  timer: number | null = null;

  constructor(title: Title, secret: Bytes, latest: number, ending: Ending) {
    this.title = title;
    this.secret = secret;
    this.latest = latest;
    this.#ending = ending;
  }

  /** Tells the client how the session ended, and nothing else. */
  async resume(wire: RelayWire, handshake: Responder, hello: ResumeHello): Promise<void> {
    this.latest = hello.carrier;
    const grant = { ...granting(this.title), ...this.#ending.offsets };
    const transport = await sendGrant(wire, handshake, grant, hello.allowance);
    const carrier = carry(wire, transport, { frames: () => {}, failed: () => {}, lost: () => {} });
    carrier.send(this.#ending.record);
    carrier.close();
  }
}
