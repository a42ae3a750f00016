/**
 * The carriers of one session, one after another. The session's opening brings the first carrier. A resumable session
 * opens the next one at once when a carrier is lost. It opens the next one beside a carrier that has stalled, or that
 * has nearly used up its allowance. The first new carrier with a grant takes over. An attempt that fails harms nothing.
 */
import type { Bytes } from '../../protocol/bytes.ts';
import type { Carrier } from '../../protocol/carrier/carrier.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { RESUME_PAUSE_MAX, RESUME_TIMEOUT, STALL_MIN } from '../../protocol/limits.ts';
import type { Offsets } from '../../protocol/session/frames.ts';
import type { FrameSink } from '../../protocol/session/parts.ts';
import type { Session } from '../../protocol/session/session.ts';
import { onAbort, within } from '../../protocol/waiting.ts';
import { clock } from '../clock.ts';
import type { Status } from '../relays/attempt.ts';
import type { Relay } from '../relays/resolve.ts';
import type { Runtime } from '../runtime.ts';
import { type HelloParts, type OpenedCarrier, openCarrier } from './handshake.ts';
import { type Allowance, CarrierUsage, type Path, UNLIMITED } from './path.ts';

/**
 * After a change of networks, make this many attempts to leave a carrier that still looks alive: the new network may
 * take a moment.
 */
const STALE_ATTEMPTS = 3;

/** Answers to a resume that no further attempt will change. */
const FINAL: readonly Code[] = ['session-unknown', 'version', 'bad-grant', 'link-invalid'];

export class Carriers {
  readonly #session: Session;
  readonly #relay: Relay;
  readonly #path: Path;
  readonly #runtime: Runtime;
  readonly #over: AbortSignal;
  readonly #tell: (status: Status) => void;
  #resumable = false;
  #id!: Bytes;
  #secret!: Bytes;
  /** How long the relay keeps the session without a carrier, in milliseconds. */
  #patience!: number;
  #current: Carrier | undefined;
  /** The usage of the latest carrier, even after it was lost. */
  #usage!: CarrierUsage;
  /** How many carriers were tried after the first one, which has number 0. */
  #number = 0;
  #resuming = false;
  /** The network has changed since the current carrier took over. */
  #isStale = false;
  /** The app was told that the session has no carrier that works. */
  #isAway = false;
  /** Aborted when attempts need not wait longer. */
  #waiting = new AbortController();
  #stopAsking: () => void = () => {};

  /** @param over aborted when the session has ended */
  constructor(
    session: Session,
    relay: Relay,
    path: Path,
    runtime: Runtime,
    over: AbortSignal,
    tell: (status: Status) => void,
  ) {
    this.#session = session;
    this.#relay = relay;
    this.#path = path;
    this.#runtime = runtime;
    this.#over = over;
    this.#tell = tell;
    const unwatch = path.watch(() => this.#beWary());
    runtime.onNetworkChange(() => this.#networkChanged(), over);
    onAbort(over, () => {
      unwatch();
      this.#stopAsking();
      this.#waiting.abort();
    });
  }

  /** Begins with the carrier that the session was opened on. */
  begin(opened: OpenedCarrier, told: Offsets, allowance: Allowance): void {
    this.#resumable = opened.granted.resumable;
    this.#id = opened.granted.session;
    this.#secret = opened.secret;
    this.#goOn(opened, told, this.#resumable ? allowance : UNLIMITED);
  }

  /** The carrier looks dead. */
  stalled(): void {
    this.#resume();
  }

  /**
   * The network has changed. The current carrier leads nowhere any more, or not by the best way. End all waits and
   * retry at once.
   */
  #networkChanged(): void {
    this.#path.changed();
    this.#isStale = true;
    this.#waiting.abort();
    this.#waiting = new AbortController();
    this.#resume();
  }

  #goOn(opened: OpenedCarrier, told: Offsets, allowance: Allowance): void {
    const session = this.#session;
    this.#patience = opened.granted.patience;
    const carrier = opened.carry(
      {
        frames: (frames) => {
          if (this.#current !== carrier) return;
          usage.heard();
          session.receive(frames);
          this.#rotateInTime();
        },
        failed: (code) => (this.#current === carrier ? session.reset(code) : carrier.close()),
        lost: () => this.#lost(carrier),
      },
      allowance.up,
    );
    const usage = new CarrierUsage(carrier, allowance, clock.now());
    session.detach();
    this.#current?.close();
    this.#current = carrier;
    this.#usage = usage;
    this.#isStale = false;
    session.attach(this.#watched(carrier), opened.granted, told, this.#resumable);
    opened.deliver(carrier);
  }

  /** The carrier, with a check of its usage after each record that is sent. */
  #watched(carrier: Carrier): FrameSink {
    return {
      get allowance() {
        return carrier.allowance;
      },
      send: (frames) => {
        carrier.send(frames);
        this.#rotateInTime();
      },
      close: () => carrier.close(),
    };
  }

  #rotateInTime(): void {
    if (this.#isToRotate) this.#resume();
  }

  /** The carrier works, and will not work for long. */
  get #isToRotate(): boolean {
    if (!this.#resumable) return false;
    return this.#isStale || this.#usage.isNearlyUsedUp || (this.#path.isLimited && !this.#usage.isLimited);
  }

  /**
   * Some carrier on this path froze. If this carrier freezes too, or has frozen, an app that only receives would not
   * notice for long. So ask for an answer.
   */
  #beWary(): void {
    this.#stopAsking();
    this.#session.ping();
    this.#session.flush();
    this.#rotateInTime();
    if (this.#path.isSuspect) this.#stopAsking = clock.after(STALL_MIN, () => this.#beWary());
  }

  #lost(carrier: Carrier): void {
    if (this.#current !== carrier) return;
    this.#current = undefined;
    if (!this.#resumable) return this.#session.abandon('carrier-lost');
    this.#session.detach();
    this.#resume();
  }

  #resume(): void {
    if (this.#over.aborted || !this.#resumable) return;
    if (!this.#isAway && !this.#hasWorking) {
      this.#isAway = true;
      this.#tell('reconnecting');
    }
    if (this.#resuming) return;
    this.#resuming = true;
    this.#tryUntilResumed().catch((error: unknown) => {
      // A bug. The app's socket must not hang, and the error must not go unnoticed.
      this.#session.abandon('carrier-lost');
      throw error;
    });
  }

  async #tryUntilResumed(): Promise<void> {
    let workedAt = clock.now();
    // A carrier that was lost before any record arrived on it is a failure, too.
    let failures = this.#current || this.#usage.carried > 0 ? 0 : 1;
    while (this.#needsAnother) {
      if (failures > 0) await this.#pause(failures);
      // During the pause the session may have ended, or the old carrier may have revived.
      if (!this.#needsAnother) break;
      if (this.#hasWorking) workedAt = clock.now();
      const code = await this.#attempt(failures);
      failures = code ? failures + 1 : 0;
      // The old carrier still works: a stall will show when it stops.
      if (failures === STALE_ATTEMPTS) this.#isStale = false;
      const late = clock.now() - workedAt > this.#patience;
      if (!code) this.#backAgain();
      else if (FINAL.includes(code) || late) this.#session.abandon(late ? 'carrier-lost' : code);
    }
    this.#resuming = false;
    this.#backAgain();
  }

  #backAgain(): void {
    if (this.#over.aborted || !this.#isAway || !this.#hasWorking) return;
    this.#isAway = false;
    this.#tell('resumed');
    this.#tell('online');
  }

  get #hasWorking(): boolean {
    return this.#current !== undefined && !this.#session.isStalled;
  }

  /** Whether another carrier is needed. A new carrier may be lost as soon as it is there. */
  get #needsAnother(): boolean {
    return !this.#over.aborted && (!this.#hasWorking || this.#isToRotate);
  }

  /** Tries to open the next carrier. Resolves to the code of its failure. */
  #attempt(failures: number): Promise<Code | undefined> {
    // A connection that was cut did not freeze, so its successor need not wait for its turn.
    if (failures === 0 && !this.#current) return this.#open();
    return this.#path.inTurn(
      () => this.#needsAnother,
      () => this.#open(),
    );
  }

  async #open(): Promise<Code | undefined> {
    if (!this.#needsAnother) return undefined;
    this.#number += 1;
    const told = this.#session.offsets();
    const allowance = this.#path.allowance(this.#usage.down);
    const hello: HelloParts = {
      kind: 'resume',
      session: this.#id,
      carrier: this.#number,
      secret: this.#secret,
      allowance: allowance.down,
      ...told,
    };
    const unwanted = new AbortController();
    const opening = openCarrier(this.#relay, this.#runtime, hello, unwanted.signal);
    try {
      const opened = await within(clock, RESUME_TIMEOUT, opening, this.#waiting.signal);
      if (opened && !this.#over.aborted) {
        this.#learn();
        this.#goOn(opened, told, allowance);
        return undefined;
      }
      opening.catch(() => {});
      unwanted.abort();
      return 'timeout';
    } catch (error) {
      // After a refusal or a bad grant the WebSocket may still be open.
      unwanted.abort();
      if (error instanceof PuenteError) return error.code;
      throw error;
    }
  }

  /** Another carrier got through, so the fate of the last one says something about the path. */
  #learn(): void {
    if (!this.#current || this.#isStale) return;
    // Where carriers are known to freeze, an overdue answer that the relay may still send means a freeze. Elsewhere the
    // carrier may only be slow.
    const isSilent = this.#path.isLimited ? this.#session.isOverdue : this.#session.isStalled;
    if (isSilent && this.#usage.mayBeAnswered) this.#path.froze(this.#usage);
    else this.#path.held(this.#usage);
  }

  /** The pause is random, so that clients whom one event has cut do not all come back at once. */
  async #pause(failures: number): Promise<void> {
    const most = Math.min(RESUME_PAUSE_MAX, 100 * 2 ** failures);
    await within(clock, most * Math.random(), new Promise(() => {}), this.#waiting.signal);
  }
}
