/** One relay of several, with a record of how it has done lately. */
import type { Code } from '../../protocol/errors.ts';
import { HEAD_START_MIN, RETRY_MAX, RETRY_MIN } from '../../protocol/limits.ts';
import { parseLink } from '../../protocol/permits/link.ts';
import { clock } from '../clock.ts';
import type { Candidate, Status } from './attempt.ts';

/** Failures of the backend or the app. Any other failure is the relay's, or the network's on the way to the relay. */
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
  /** The host name of the relay: the part that the network between sees. */
  readonly hostname: string;
  /**
   * When a session last opened or went on through this relay. `undefined` if none ever did, or if one has failed since.
   */
  workedAt: number | undefined;
  /** Failures in a row. */
  failures = 0;
  /** Smoothed milliseconds from the hello to the grant. */
  openingTime: number | undefined;
  #restsUntil = 0;

  /** @throws PuenteError `link-invalid` */
  constructor(address: string) {
    this.address = address;
    this.hostname = new URL(parseLink(address).url).hostname;
  }

  /** The relay has failed so lately that others are to be tried first. */
  get rests(): boolean {
    return clock.now() < this.#restsUntil;
  }

  /** How long to try this relay alone when it worked last, in milliseconds. */
  get headStart(): number {
    return Math.max(HEAD_START_MIN, 2 * (this.openingTime ?? 0));
  }

  opened(ms: number): void {
    this.openingTime ??= ms;
    this.openingTime += (ms - this.openingTime) / 4;
    this.#worked();
  }

  /** Nobody waits for this relay's answer any more, after `ms`: another relay was faster, or the app gave up. */
  givenUp(ms: number): void {
    if (ms > 2 * this.headStart) this.failed('timeout');
  }

  /** A session through this relay failed with this code. */
  failed(code: Code): void {
    // While the relay rests, a further failure is the same one again, seen by another session on this relay.
    if (this.rests || NOT_ITS_FAULT.includes(code)) return;
    this.workedAt = undefined;
    const rest = Math.min(RETRY_MAX, RETRY_MIN * 2 ** this.failures);
    this.failures += 1;
    // The rest is random, so that clients whom one event has cut do not all come back at once.
    this.#restsUntil = clock.now() + rest * (0.5 + Math.random() / 2);
  }

  report(news: Status | Code | undefined): void {
    if (news === 'online') this.#worked();
    // This session may go on later, but the next one is better opened through another relay.
    else if (news === 'reconnecting') this.failed('carrier-lost');
    else if (news && news !== 'resumed') this.failed(news);
  }

  #worked(): void {
    this.workedAt = clock.now();
    this.failures = 0;
    this.#restsUntil = 0;
  }
}
