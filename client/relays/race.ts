/** Tries relays one after another, a short time apart, until one of them has opened the session. */
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
  /** Relays to run only when all others have failed. */
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
   * The result of the first attempt that succeeds; `undefined` when the race is stopped.
   * @param headStart how long the first relay runs alone, in milliseconds, so that it may be sent early data;
   * `undefined`: no relay runs alone
   * @throws PuenteError when all relays have failed: the error of the relay that got furthest
   */
  run(headStart: number | undefined): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#startNext(headStart ?? RACE_GAP, headStart !== undefined);
    });
  }

  /** Gives up all running attempts. Also gives up the winner, unless its session has begun. */
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

  /** Some networks punish two handshakes at a time with one name. The second one would get no further. */
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

  /** Ends a runner. Returns false if the runner had ended before: a stopped one may still succeed or fail. */
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

/**
 * Codes in the order of how far an attempt had come: the further, the more there is to learn from the code. A code not
 * listed here had come nowhere.
 */
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
