/** The routes to one host on one network that a dialer knows. Never store the routes: they say where somebody was. */
import type { Code } from '../../../protocol/errors.ts';
import { currentNetwork } from './network.ts';
import type { RouteStage } from './route-attempt.ts';
import type { Source } from './sources.ts';
import { Turns } from './turns.ts';

/** Hosts whose routes are remembered, each on one network. */
export const ROUTES_MAX = 64;

/**
 * Connections to one host that are set up at the same time. With the limit, a late connection waits behind few others.
 * Measured with a hundred connections and round trips of up to 500 ms: 32 are as fast as no limit, 16 take half as long
 * again.
 */
export const SET_UPS_MAX = 32;

/** Where a ClientHello is sent, and how. */
export interface Route {
  /** The first source gives this route's addresses; the other sources are for the routes that follow this one. */
  sources: readonly Source[];
  /** The ClientHello goes in parts. */
  split: boolean;
}

export interface RouteFailure {
  code: Code;
  stage: RouteStage;
}

/** The failure while no search has ended. */
const NOTHING: RouteFailure = { code: 'unreachable', stage: 'dns' };

export class KnownRoutes {
  readonly setUps = new Turns(SET_UPS_MAX);
  readonly searches = new Turns(1);
  /** The route that worked last, unless it has failed since. */
  winner: Route | undefined;
  /** How often any route has worked. */
  wins = 0;
  /** Where a search goes on after it had no ClientHello left. */
  #next: Route | undefined;
  /** Why the last search failed, if nothing has worked since. */
  failure = NOTHING;

  won(route: Route): void {
    this.winner = route;
    this.wins += 1;
    this.#next = undefined;
    this.failure = NOTHING;
  }

  /** @returns whether this was the route that worked until now */
  lost(route: Route): boolean {
    if (this.winner !== route) return false;
    this.winner = undefined;
    return true;
  }

  goOnWith(route: Route): void {
    this.#next = route;
  }

  takeNext(): Route | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next;
  }
}

export class RoutesByHost {
  /** Routes by network and host; the routes used last stand at the end. */
  readonly #routes = new Map<string, KnownRoutes>();

  /** @param host name and port */
  to(host: string): KnownRoutes {
    const id = `${host} ${currentNetwork()}`;
    const known = this.#routes.get(id) ?? new KnownRoutes();
    this.#routes.delete(id);
    this.#routes.set(id, known);
    const [oldest] = this.#routes.keys();
    if (this.#routes.size > ROUTES_MAX && oldest !== undefined) this.#routes.delete(oldest);
    return known;
  }
}
