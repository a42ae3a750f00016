/**
 * Finds a route to a relay's host: an address, and how the ClientHello is sent there. The first route is the route of
 * any client. When a route fails or is silent, the failure suggests the next route, and the search tries the next route
 * beside it. The first route that gets through with the relay's own certificate wins. All later connections on this
 * network take this route for as long as it works.
 */
import { isIP, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Code, PuenteError } from '../../../protocol/errors.ts';
import type { DialStage } from '../../runtime.ts';
import { budgetOf, type SearchBudget } from './budget.ts';
import { type Address, connectAny } from './connect.ts';
import type { KnownRoutes, Route, RouteFailure } from './known-routes.ts';
import { patience } from './patience.ts';
import { LATE, RouteAttempt, type RouteStage } from './route-attempt.ts';
import { secure } from './secure.ts';
import type { Host, Source } from './sources.ts';

/**
 * The longest time for name, TCP and TLS together, in milliseconds. With this limit the client can say which of the
 * three failed. The rest of OPEN_TIMEOUT is for the relay and its backend. The time begins anew with each connection
 * that another socket gets.
 */
const SET_UP_PATIENCE = 10_000;

/**
 * Milliseconds of silence on a route before another route is tried beside it. This is ten times a slow round trip, and
 * four of them fit into SET_UP_PATIENCE. The time begins anew whenever the route works for another socket: then the
 * host is busy, and nothing is blocked.
 */
const ROUTE_PATIENCE = 2500;

/**
 * Milliseconds to wait before the name counts as filtered. A host that resets connections on the route that worked
 * until now may be restarting: workerd is back after 150 ms.
 */
const RESTART_PAUSE = 1000;

export interface Target extends Host {
  /** Name and port, as in a URL. */
  host: string;
  isSecure: boolean;
  sources: readonly Source[];
  ticket: Buffer | undefined;
}

/** The reasons for the end of an attempt that has not failed. */
const SPENT = new Error('no ClientHello is left');
const GIVEN_UP = new Error('given up');

const STAGES: readonly RouteStage[] = ['dns', 'tcp', 'tls'];

export class RouteSearch {
  readonly #target: Target;
  readonly #known: KnownRoutes;
  readonly #budget: SearchBudget;
  readonly #passed: (stage: DialStage) => void;
  readonly #over = new AbortController();
  readonly #failures: RouteFailure[] = [];
  /** The routes on which this search has sent a ClientHello. */
  readonly #said = new Set<string>();
  #isFound = false;

  /** @param passed called with each stage when one of the routes is through it */
  constructor(target: Target, known: KnownRoutes, passed: (stage: DialStage) => void) {
    this.#target = target;
    this.#known = known;
    this.#budget = budgetOf(target.host);
    const through = new Set<DialStage>();
    this.#passed = (stage) => {
      if (!through.has(stage)) passed(stage);
      through.add(stage);
    };
  }

  /** Call once. @throws PuenteError the most telling of all failures, at the latest when SET_UP_PATIENCE ends */
  async run(): Promise<Socket> {
    const known = this.#known;
    const { signal } = this.#over;
    const stop = patience(
      SET_UP_PATIENCE,
      () => this.#over.abort(LATE),
      () => known.wins,
    );
    try {
      return await known.setUps.run(() => this.#first(), signal);
    } catch {
      throw new PuenteError(this.#mostTelling);
    } finally {
      stop();
      this.giveUp();
    }
  }

  /** Ends the search when nobody waits for it any more. */
  giveUp(): void {
    this.#over.abort(GIVEN_UP);
  }

  get #mostTelling(): Code {
    const depth = ({ stage }: RouteFailure) => STAGES.indexOf(stage);
    const failures = this.#failures.length > 0 ? this.#failures : [this.#known.failure];
    const told = failures.reduce((most, failure) => (depth(failure) > depth(most) ? failure : most));
    this.#known.failure = told;
    return told.code;
  }

  // --- one route after another ----------------------------------------------------------------------------------------

  #first(): Promise<Socket> {
    const { winner } = this.#known;
    return winner ? this.#from(winner) : this.#inTurn({ sources: this.#target.sources, split: false });
  }

  /**
   * Runs one search at a time. The other connections take the route that this search finds.
   * @param pause milliseconds before the search begins
   */
  async #inTurn(first: Route, pause = 0): Promise<Socket> {
    const known = this.#known;
    const { signal } = this.#over;
    const before = known.winner;
    const isFound = () => known.winner !== undefined && known.winner !== before;
    const search = async () => {
      if (isFound()) return undefined;
      if (pause > 0 && !this.#budget.isSpent) await sleep(pause, undefined, { signal });
      return this.#from(known.takeNext() ?? first);
    };
    const found = await known.searches.run(search, signal);
    if (found) return found;
    if (!known.winner) throw GIVEN_UP;
    return this.#from(known.winner);
  }

  /**
   * Tries this route. When this route fails or is silent, tries the next route beside it, and so on. Takes the first
   * route that gets through.
   */
  #from(route: Route): Promise<Socket> {
    const known = this.#known;
    const isKnown = route === known.winner;
    const attempt = new RouteAttempt(this.#target.name, this.#passed);
    let stop = () => {};
    const silence = new Promise<Code>((resolve) => {
      const silent = () => {
        attempt.isSilent = true;
        resolve(attempt.failure(LATE));
      };
      stop = patience(ROUTE_PATIENCE, silent, () => (known.winner === route ? known.wins : 0));
    });
    const running = this.#attempt(route, attempt, isKnown).finally(() => stop());
    const failure = running.then(
      () => undefined,
      (error) => (error === SPENT || error === GIVEN_UP ? undefined : attempt.failure(error)),
    );
    const another = Promise.race([silence, failure]).then((code) => {
      if (!code || this.#over.signal.aborted) throw new Error('no other route');
      if (isKnown && code === 'name-blocked' && !attempt.isSilent) return this.#inTurn(route, RESTART_PAUSE);
      const next = this.#after(route, code);
      if (!next) throw new Error('no other route');
      return isKnown ? this.#inTurn(next) : this.#from(next);
    });
    return Promise.any([running, another]);
  }

  /**
   * The route that this failure suggests: the ClientHello in parts where the name is filtered, another address
   * otherwise.
   */
  #after({ sources, split }: Route, code: Code): Route | undefined {
    if (code === 'clock-off') return undefined;
    const isFiltered = code === 'name-blocked' && !split && !isIP(this.#target.name);
    if (isFiltered) return { sources, split: true };
    return sources.length > 1 ? { sources: sources.slice(1), split } : undefined;
  }

  // --- one route ------------------------------------------------------------------------------------------------------

  async #attempt(route: Route, attempt: RouteAttempt, isKnown: boolean): Promise<Socket> {
    try {
      const addresses = await this.#addresses(route);
      attempt.found(this.#isOwn(route) ? addresses.map(({ host }) => host) : []);
      const { tcp, address } = await connectAny(addresses, this.#over.signal);
      attempt.connected();
      const socket = this.#target.isSecure ? await this.#secured(tcp, address, route, attempt, isKnown) : tcp;
      if (this.#isFound) {
        socket.destroy();
        throw GIVEN_UP;
      }
      this.#isFound = true;
      this.#known.won(isKnown ? route : this.#winning(route, address));
      return socket;
    } catch (error) {
      if (error === SPENT) this.#failures.push(this.#known.failure);
      else if (error !== GIVEN_UP) this.#failures.push({ code: attempt.failure(error as Error), stage: attempt.stage });
      throw error;
    }
  }

  async #addresses({ sources: [source], split }: Route): Promise<Address[]> {
    const addresses = source ? await untilOver(source(this.#over.signal), this.#over.signal) : [];
    const fresh = addresses.filter((address) => !this.#said.has(idOf(address, split)));
    if (fresh.length === 0) throw new Error('no other address');
    return fresh;
  }

  /**
   * Counts each ClientHello that does not get through. On the known route only the first ClientHello counts: the others
   * had been sent by then.
   */
  async #secured(
    tcp: Socket,
    address: Address,
    route: Route,
    attempt: RouteAttempt,
    isKnown: boolean,
  ): Promise<Socket> {
    const { split } = route;
    if (!isKnown && this.#budget.isSpent) {
      tcp.destroy();
      this.#known.goOnWith(route);
      throw SPENT;
    }
    const takeBack = isKnown ? undefined : this.#budget.spend();
    this.#said.add(idOf(address, split));
    try {
      const { name, ticket } = this.#target;
      const socket = await secure(tcp, { name, split, ticket }, this.#over.signal);
      this.#passed('tls');
      takeBack?.();
      return socket;
    } catch (error) {
      // An attempt that was given up before it was silent says nothing about the route.
      if (this.#over.signal.aborted && !attempt.isSilent) takeBack?.();
      else if (this.#known.lost(route)) this.#budget.spend();
      // The search may try this route once more, after RESTART_PAUSE.
      if (isKnown && !attempt.isSilent) this.#said.delete(idOf(address, split));
      throw error;
    }
  }

  /** True when the addresses are those of the system's resolver, which any client would use. */
  #isOwn({ sources }: Route): boolean {
    return sources[0] === this.#target.sources[0];
  }

  /**
   * Keeps the address, unless the system's resolver gave it. The system's resolver is asked anew each time, because its
   * answers change.
   */
  #winning(route: Route, address: Address): Route {
    const all = this.#target.sources;
    return { sources: this.#isOwn(route) ? all : [async () => [address], ...all], split: route.split };
  }
}

const idOf = ({ host, port }: Address, split: boolean): string => `${host} ${port} ${split}`;

/** Rejects when the signal aborts: the system's resolver cannot be told to stop. */
function untilOver<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    promise.then(resolve, reject);
  });
}
