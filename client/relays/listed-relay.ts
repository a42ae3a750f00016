/** One relay of several: how it has done lately. */
import type { Code } from '../../protocol/errors.ts';
import { HEAD_START_MIN, RETRY_MAX, RETRY_MIN } from '../../protocol/limits.ts';
import { parseLink } from '../../protocol/permits/link.ts';
import { clock } from '../clock.ts';
import type { Candidate, Status } from './attempt.ts';

/** Failures of the backend's or the app's. Any other is the relay's, or the network's on the way to it. */
const NOT_ITS_FAULT: readonly string[] = [
  'backend-not-allowed',
  'backend-down',
  'backend-reset',
  'aborted',
  'plaintext',
  'idle',
  'key-exhausted',
] satisfies Code[];

export class ListedRelay implements Candidate {
  readonly address: string;
  /** What the network between sees of it. */
  readonly hostname: string;
  /** When a session last opened or went on through it; `undefined` if none ever did, or one has failed since. */
  workedAt: number | undefined;
  /** In a row. */
  failures = 0;
  /** Smoothed milliseconds from the hello to the grant. */
  openingTime: number | undefined;
  #restsUntil = 0;

  /** @throws PuenteError `link-invalid` */
  constructor(address: string) {
    this.address = address;
    this.hostname = new URL(parseLink(address).url).hostname;
  }

  /** It has failed so lately that others are to be tried before it. */
  get rests(): boolean {
    return clock.now() < this.#restsUntil;
  }

  /** How long it is tried alone where it worked last. */
  get headStart(): number {
    return Math.max(HEAD_START_MIN, 2 * (this.openingTime ?? 0));
  }

  opened(ms: number): void {
    this.openingTime ??= ms;
    this.openingTime += (ms - this.openingTime) / 4;
    this.#worked();
  }

  /** Nobody waits for its answer any more, after so long: another was faster, or the app has no patience. */
  givenUp(ms: number): void {
    if (ms > 2 * this.headStart) this.failed('timeout');
  }

  /** A session could not be opened through it. */
  failed(code: Code): void {
    // While it rests, what fails is what has failed: the other sessions on it.
    if (this.rests || NOT_ITS_FAULT.includes(code)) return;
    this.workedAt = undefined;
    const rest = Math.min(RETRY_MAX, RETRY_MIN * 2 ** this.failures);
    this.failures += 1;
    // Random, so that those whom one event has cut do not all come back at once.
    this.#restsUntil = clock.now() + rest * (0.5 + Math.random() / 2);
  }

  report(news: Status | Code | undefined): void {
    if (news === 'online') this.#worked();
    // Even if this session should go on later, the next one had better be opened elsewhere.
    else if (news === 'reconnecting') this.failed('carrier-lost');
    else if (news && news !== 'resumed') this.failed(news);
  }

  #worked(): void {
    this.workedAt = clock.now();
    this.failures = 0;
    this.#restsUntil = 0;
  }
}
