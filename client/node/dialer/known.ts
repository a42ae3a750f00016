/** What a dialer knows of the ways to one host on one network. In memory alone: it says where somebody was. */

import type { Code } from '../../../protocol/errors.ts';
import { currentNetwork } from './network.ts';
import type { Source } from './sources.ts';
import { Turns } from './turns.ts';
import type { WayStage } from './way.ts';

/** Ways that are known to work, each for one name on one network. */
export const WAYS_MAX = 64;

/**
 * Connections to one host that are set up at a time, so that a late one waits behind few. A hundred are there as soon as without a limit,
 * at round trips of up to 500 ms; with 16 at a time they take half as long again.
 */
export const SET_UPS_MAX = 32;

/** A way, and what may come after it. */
export interface Candidate {
  /** The addresses are from the first of them; the others are left for other ways. */
  sources: readonly Source[];
  /** The ClientHello goes in parts. */
  split: boolean;
}

export interface Failure {
  code: Code;
  stage: WayStage;
}

/** While no search has ended. */
const NOTHING: Failure = { code: 'unreachable', stage: 'dns' };

export class Known {
  readonly setUps = new Turns(SET_UPS_MAX);
  readonly searches = new Turns(1);
  /** The way that has worked last, and has not failed since. */
  winner: Candidate | undefined;
  /** How often any way has worked. */
  wins = 0;
  /** Where the search goes on that had no ClientHello left. */
  #next: Candidate | undefined;
  /** What the last search ended with, if nothing has worked since. */
  failure = NOTHING;

  won(candidate: Candidate): void {
    this.winner = candidate;
    this.wins += 1;
    this.#next = undefined;
    this.failure = NOTHING;
  }

  /** @returns whether it was the way that worked until now */
  lost(candidate: Candidate): boolean {
    if (this.winner !== candidate) return false;
    this.winner = undefined;
    return true;
  }

  goOnWith(candidate: Candidate): void {
    this.#next = candidate;
  }

  takeNext(): Candidate | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next;
  }
}

export class KnownWays {
  /** By network and host, the one used last at the end. */
  readonly #ways = new Map<string, Known>();

  /** @param host its name and port */
  to(host: string): Known {
    const id = `${host} ${currentNetwork()}`;
    const known = this.#ways.get(id) ?? new Known();
    this.#ways.delete(id);
    this.#ways.set(id, known);
    const [oldest] = this.#ways.keys();
    if (this.#ways.size > WAYS_MAX && oldest !== undefined) this.#ways.delete(oldest);
    return known;
  }
}
