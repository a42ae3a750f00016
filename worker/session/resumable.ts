/** A session in a hub: how it moves from carrier to carrier, and what is left of it when it has ended. */
import { type Bytes, EMPTY, equal } from '../../protocol/bytes.ts';
import type { Carrier } from '../../protocol/carrier/carrier.ts';
import type { OpenHello, ResumeHello } from '../../protocol/carrier/hello.ts';
import type { Responder, Transport } from '../../protocol/carrier/noise.ts';
import { type Code, toWire } from '../../protocol/errors.ts';
import { FIRST_RECORD_TIMEOUT } from '../../protocol/limits.ts';
import type { Frame, Offsets } from '../../protocol/session/frames.ts';
import type { Session } from '../../protocol/session/session.ts';
import type { Place } from '../admission/places.ts';
import { cipher } from '../cipher.ts';
import type { Pipe } from './pipe.ts';
import { carry, type RelayWire, sendGrant } from './wire.ts';

/** Whether a resume hello comes from the client that opened the session; in constant time. */
export async function proves(secret: Bytes, binding: Bytes, mac: Bytes): Promise<boolean> {
  return equal(await cipher.hmac(secret, binding), mac);
}

/** What a session is resumed by, also when it has ended. */
export interface Title {
  id: Bytes;
  /** The name of the invite that opened it, in a private relay: no other resumes it. */
  invite: string | undefined;
  /** Milliseconds for which it waits for its next carrier, or is remembered when it has ended. */
  patience: number;
}

function grant(
  wire: RelayWire,
  handshake: Responder,
  { id, patience }: Title,
  told: Offsets,
  allowance: number,
): Promise<Transport> {
  return sendGrant(wire, handshake, { resumable: true, patience, session: id, ...told }, allowance);
}

export class HeldSession {
  readonly title: Title;
  readonly #session: Session;
  readonly #place: Place;
  readonly #onWaiting: () => void;
  /** The exported secret of the handshake that opened it; empty until then. */
  secret: Bytes = EMPTY;
  /** The highest number of a carrier that its client has proven. */
  latest = 0;
  /** The carrier that the session is on. */
  #carrier: Carrier | undefined;
  /** One that was granted and has not spoken yet. */
  #coming: Carrier | undefined;
  /** A client that has sent a record under its keys is no replay. */
  #proven = false;
  #timer: number | null = null;

  /**
   * @param place learns whether its client has spoken and has a carrier, and ends the session when that has to give way
   * @param onWaiting is told when it begins to wait for its next carrier
   */
  constructor(title: Title, { session }: Pipe, place: Place, onWaiting: () => void) {
    this.title = title;
    this.#session = session;
    this.#place = place;
    this.#onWaiting = onWaiting;
    place.displaced.signal.addEventListener('abort', () => session.abandon('carrier-lost'));
  }

  /** No carrier holds the hub for it. */
  get isWaiting(): boolean {
    return this.#carrier === undefined;
  }

  async open(wire: RelayWire, handshake: Responder, hello: OpenHello): Promise<void> {
    const session = this.#session;
    if (hello.earlyData.length > 0) session.receive([{ type: 'data', offset: 0, bytes: hello.earlyData }]);
    const told = session.offsets();
    const transport = await grant(wire, handshake, this.title, told, hello.allowance);
    this.secret = transport.secret;
    const carrier = this.#carry(wire, transport, hello.allowance);
    this.#attach(carrier, { received: 0, limit: hello.limit }, told);
    if (wire.lost) carrier.lost();
  }

  /** Grants a carrier. The session moves there with the first record on it, so that one that fails harms nothing. */
  async resume(wire: RelayWire, handshake: Responder, hello: ResumeHello): Promise<void> {
    this.latest = hello.carrier;
    this.#coming?.close();
    const told = this.#session.offsets();
    const transport = await grant(wire, handshake, this.title, told, hello.allowance);
    const carrier = this.#carry(wire, transport, hello.allowance, (first) => {
      if (this.#coming !== carrier) return carrier.close();
      this.#coming = undefined;
      this.#attach(carrier, hello, told, first);
    });
    this.#coming = carrier;
    if (wire.lost) carrier.lost();
    setTimeout(() => {
      if (this.#coming === carrier) carrier.close();
    }, FIRST_RECORD_TIMEOUT);
  }

  /** @param begin is given the first record, where that has to make the session switch to this carrier */
  #carry(wire: RelayWire, transport: Transport, allowance: number, begin?: (first: Frame[]) => void): Carrier {
    let toBegin = begin;
    const frames = (record: Frame[]) => {
      const first = toBegin;
      toBegin = undefined;
      if (first) return first(record);
      if (this.#carrier !== carrier) return;
      this.#prove();
      this.#session.receive(record);
    };
    const failed = (code: Code) => {
      if (this.#carrier === carrier) this.#session.reset(code);
      else carrier.close();
    };
    const carrier: Carrier = carry(wire, transport, { frames, failed, lost: () => this.#lost(carrier) }, allowance);
    return carrier;
  }

  #attach(carrier: Carrier, peer: Offsets, told: Offsets, first?: Frame[]): void {
    clearTimeout(this.#timer);
    this.#session.detach();
    this.#carrier?.close();
    this.#carrier = carrier;
    if (first) this.#prove();
    this.#session.attach(carrier, peer, told, true, first);
  }

  #prove(): void {
    this.#proven = true;
    this.#place.isCarried = true;
  }

  /** Its client does not answer on it: what it sends there may never end. It can come back on another. */
  dropCarrier(): void {
    const carrier = this.#carrier;
    if (!carrier) return;
    carrier.close();
    this.#lost(carrier);
  }

  #lost(carrier: Carrier): void {
    if (this.#coming === carrier) this.#coming = undefined;
    if (this.#carrier !== carrier) return;
    this.#carrier = undefined;
    this.#place.isCarried = false;
    this.#session.detach();
    const patience = this.#proven ? this.title.patience : FIRST_RECORD_TIMEOUT;
    this.#timer = setTimeout(() => this.#session.abandon('carrier-lost'), patience);
    this.#onWaiting();
  }

  /** What a client that was away must still be told; nothing, where it knows or where nobody can say. */
  tombstone(code: Code | undefined): Tombstone | undefined {
    clearTimeout(this.#timer);
    this.#coming?.close();
    this.#carrier = undefined;
    // A session that nobody came back for is as unknown as one that never was.
    if (code === 'carrier-lost') return undefined;
    return new Tombstone(this.title, this.secret, this.latest, this.#session.offsets(), code);
  }
}

/** A session that has ended: its client may have missed the last ACK, or the reset. */
export class Tombstone {
  readonly title: Title;
  readonly secret: Bytes;
  readonly #offsets: Offsets;
  readonly #code: Code | undefined;
  latest: number;
  /** Ends it. */
  timer: number | null = null;

  constructor(title: Title, secret: Bytes, latest: number, offsets: Offsets, code: Code | undefined) {
    this.title = title;
    this.secret = secret;
    this.latest = latest;
    this.#offsets = offsets;
    this.#code = code;
  }

  /** Tells how it ended, and nothing else. */
  async resume(wire: RelayWire, handshake: Responder, hello: ResumeHello): Promise<void> {
    this.latest = hello.carrier;
    const transport = await grant(wire, handshake, this.title, this.#offsets, hello.allowance);
    const carrier = carry(wire, transport, { frames: () => {}, failed: () => {}, lost: () => {} });
    carrier.send([this.#code ? { type: 'reset', code: toWire(this.#code) } : { type: 'ack', ...this.#offsets }]);
    carrier.close();
  }
}
