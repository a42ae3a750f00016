/** One scenario's run against the subject: what is the same for clients and relays. */
import type { Judge } from '../judge/judge.ts';
import type { RuleId, Side } from '../judge/rules.ts';
import { Watch } from '../judge/watch.ts';
import type { Line } from '../peer/line.ts';
import type { Offsets } from '../peer/outgoing.ts';
import { Session, WINDOW } from '../peer/session.ts';
import type { App } from './app.ts';

/** How a session is to be opened. */
export interface Wish {
  /** What we grant at first, and the window after it. */
  window?: number;
  resumable?: boolean;
  /** What we take is not consumed, so no further credit is granted. */
  isSlow?: boolean;
  /** What the subject may send on each carrier: for a relay. */
  allowance?: number;
  /** What a STOP would end at once goes on. */
  ignoresStop?: boolean;
}

export interface Trial {
  readonly side: Side;
  readonly judge: Judge;
  /** How long an answer may take that is owed at once, in milliseconds. */
  readonly patience: number;
  /** Of a client's command, once it has ended. */
  readonly exit: number | undefined;
  /** Opens a session over the subject. */
  open(wish?: Wish): Promise<Talk>;
}

/** The subject has to close the WebSocket by itself. */
const PATIENT = ['end-closes', 'reset-closes'];

/** An opened session, at our end and at the app beyond the subject. */
export class Talk {
  readonly session: Session;
  readonly watch: Watch;
  readonly #judge: Judge;
  readonly #parts: Buffer[] = [];
  readonly #app: App | undefined;
  readonly isResumable: boolean;
  /** How often a carrier was lost. */
  losses = 0;
  /** The carrier's end is our doing. */
  isCut = false;
  /** Opens the next carrier. */
  again: () => Promise<void> = () => Promise.reject(new Error('it is not resumable'));
  #line: Line | undefined;

  /** @param told the limit that the subject has told */
  constructor(judge: Judge, wish: Wish, isResumable: boolean, told: number, app: App | undefined) {
    this.#judge = judge;
    this.#app = app;
    this.isResumable = isResumable;
    const { window = WINDOW, isSlow = false, ignoresStop = false } = wish;
    const events = {
      data: (bytes: Buffer) => {
        this.#parts.push(bytes);
        if (!isSlow) this.session.consume(bytes.length);
      },
      fin() {},
      stop() {},
      over: (end: Session['end']) => {
        if (end === 'complete') judge.rule('end-early', true);
      },
      lost: () => {
        this.losses += 1;
        if (!this.isCut && !isResumable)
          judge.rule('end-early', false, 'it closed the WebSocket in the middle of the session');
      },
    };
    this.session = new Session(events, new Set([...PATIENT, ...(ignoresStop ? ['stop-obeyed'] : [])]), window);
    this.watch = new Watch(judge, this.session, told);
  }

  /** @throws Over where the backend is not this tool's own */
  get app(): App {
    return this.#app ?? this.#judge.leave('it needs a backend of this tool’s own');
  }

  /** The carrier that it is on. */
  get line(): Line {
    return this.#line as Line;
  }

  get hasApp(): boolean {
    return this.#app !== undefined;
  }

  get got(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /**
   * @param received what of the subject's stream it was told that we have
   * @param allowance that of the hello; 0: none
   */
  attach(line: Line, peer: Offsets, received: number, allowance: number, subject: Side): void {
    // One that is frozen would keep the subject waiting for its close.
    if (this.#line?.isFrozen) this.#line.cut();
    this.#line = line;
    this.isCut = false;
    const bound = allowance === 0 ? Infinity : allowance;
    this.watch.carrier(received, allowance !== 0, subject === 'relay' ? bound : Infinity);
    watched(line, this.watch);
    const ours = subject === 'client' ? bound : Infinity;
    this.session.attach({ line, peer, resumable: this.isResumable, allowance: ours });
  }

  cut(): void {
    this.isCut = true;
    this.line.cut();
  }

  /** The code of the RESET with which the subject has ended the session. */
  get theirReset(): string | undefined {
    const { end } = this.session;
    return typeof end === 'object' && end.by === 'them' ? end.reset : undefined;
  }

  /** Whether the subject answers with this RESET; what it does otherwise. */
  async resets(code: string, patience: number): Promise<{ holds: boolean; instead: string }> {
    await this.#judge.within(patience, () => this.session.end !== undefined || this.line.isClosed);
    const { theirReset } = this;
    const instead = theirReset
      ? `RESET ${theirReset} came`
      : this.line.isClosed
        ? 'the WebSocket was closed'
        : 'nothing came';
    return { holds: theirReset === code, instead };
  }
}

/** Shows each record of a line to the watch before anything else has it. */
function watched(line: Line, watch: Watch): void {
  const listen = line.listen.bind(line);
  line.listen = (events) =>
    listen({
      frames(frames, length) {
        watch.frames(frames, length);
        events.frames(frames, length);
      },
      wrong(code, why, plaintext) {
        watch.wrong(code, why);
        events.wrong(code, why, plaintext);
      },
      closed: () => events.closed(),
    });
}

export interface Scenario<T extends Trial> {
  name: string;
  /** The rules that it is about, beside those that every record shows. */
  rules: readonly RuleId[];
  run(trial: T): Promise<void>;
}
