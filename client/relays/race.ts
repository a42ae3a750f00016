/** Tries relays one after another, a little apart, until one of them has opened the session. */
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { ATTEMPT_TIMEOUT, RACE_GAP, RACE_MAX } from '../../protocol/limits.ts';
import { clock } from '../clock.ts';
import type { Attempt } from './attempt.ts';
import type { ListedRelay } from './listed-relay.ts';

interface Runner {
  relay: ListedRelay;
  startedAt: number;
  unwanted: AbortController;
  cancelTimeout(): void;
}

export class Race<T> {
  readonly #attempt: Attempt<T>;
  #waiting: ListedRelay[];
  /** Run only when all others have failed. */
  #reserve: ListedRelay[];
  readonly #running = new Set<Runner>();
  #winner: Runner | undefined;
  /** The failure that got furthest. */
  #failure: PuenteError | undefined;
  #cancelNext: () => void = () => {};
  #resolve!: (value: T | undefined) => void;
  #reject!: (error: unknown) => void;

  constructor(attempt: Attempt<T>, relays: ListedRelay[], reserve: ListedRelay[]) {
    this.#attempt = attempt;
    this.#waiting = relays.length > 0 ? relays : reserve;
    this.#reserve = relays.length > 0 ? reserve : [];
  }

  /**
   * What the first attempt to succeed has come to; nothing when it is stopped.
   * @param headStart how long the first relay goes alone, so that it may be sent early data; `undefined`: none does
   * @throws PuenteError when all have failed: that of the relay that got furthest
   */
  run(headStart: number | undefined): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#startNext(headStart ?? RACE_GAP, headStart !== undefined);
    });
  }

  /** Gives up all that run, and the winner, unless its session has begun. */
  stop(): void {
    this.#winner?.unwanted.abort();
    this.#cancelNext();
    this.#waiting = [];
    this.#reserve = [];
    for (const runner of this.#running) {
      this.#end(runner);
      runner.unwanted.abort();
      runner.relay.givenUp(clock.now() - runner.startedAt);
    }
    this.#resolve(undefined);
  }

  #startNext(gap = RACE_GAP, isAlone = false): void {
    this.#cancelNext();
    const next = this.#running.size < RACE_MAX ? this.#waiting.find((relay) => this.#mayRun(relay)) : undefined;
    if (!next) return;
    this.#waiting = this.#waiting.filter((relay) => relay !== next);
    this.#start(next, isAlone);
    this.#cancelNext = clock.after(gap, () => this.#startNext());
  }

  /** Two handshakes with one name at a time are what some networks punish, and would get no further. */
  #mayRun({ hostname }: ListedRelay): boolean {
    return ![...this.#running].some(({ relay }) => relay.hostname === hostname);
  }

  #start(relay: ListedRelay, isAlone: boolean): void {
    const runner: Runner = {
      relay,
      startedAt: clock.now(),
      unwanted: new AbortController(),
      cancelTimeout: clock.after(ATTEMPT_TIMEOUT, () => {
        if (this.#waiting.length + this.#reserve.length > 0) this.#failed(runner, new PuenteError('timeout'));
      }),
    };
    this.#running.add(runner);
    this.#attempt(relay, runner.unwanted.signal, isAlone).then(
      (value) => this.#succeeded(runner, value),
      (error: unknown) => this.#failed(runner, error),
    );
  }

  #succeeded(runner: Runner, value: T | undefined): void {
    if (!this.#end(runner)) return;
    runner.relay.opened(clock.now() - runner.startedAt);
    this.#resolve(value);
    this.stop();
    this.#winner = runner;
  }

  /** Whether this is its end: one that was stopped may still succeed or fail. */
  #end(runner: Runner): boolean {
    runner.cancelTimeout();
    return this.#running.delete(runner);
  }

  #failed(runner: Runner, error: unknown): void {
    if (!this.#end(runner)) return;
    runner.unwanted.abort();
    if (!(error instanceof PuenteError)) {
      this.#reject(error);
      return this.stop();
    }
    runner.relay.failed(error.code);
    if (!this.#failure || reach(error.code) > reach(this.#failure.code)) this.#failure = error;
    if (this.#running.size + this.#waiting.length === 0) {
      this.#waiting = this.#reserve;
      this.#reserve = [];
    }
    this.#startNext();
    if (this.#running.size === 0) this.#reject(this.#failure);
  }
}

/** Codes by how far an attempt had got: the later, the more there is to learn from it. Any other: nowhere. */
const BY_REACH: readonly Code[] = [
  'unreachable',
  'name-unknown',
  'name-forged',
  'no-answer',
  'timeout',
  'refused',
  'name-blocked',
  'not-trusted',
  'no-key',
  'not-admitted',
  'over-quota',
  'bad-grant',
  'version',
  'full',
  'limited',
  'backend-not-allowed',
  'backend-down',
];

const reach = (code: Code): number => BY_REACH.indexOf(code);
