/**
 * Finds a way to a relay's host: an address, and how the ClientHello is sent there. First as any client does; when that fails, or is
 * silent, what the failure suggests, beside it. The first that gets through with the relay's own certificate is used, and is the
 * way of all that follow on this network, for as long as it works.
 */
import { isIP, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Code, PuenteError } from '../../../protocol/errors.ts';
import type { DialStage } from '../../runtime.ts';
import { type Budget, budgetOf } from './budget.ts';
import { type Address, connectAny } from './connect.ts';
import type { Candidate, Failure, Known } from './known.ts';
import { patience } from './patience.ts';
import { secure } from './secure.ts';
import type { Host, Source } from './sources.ts';
import { LATE, Way, type WayStage } from './way.ts';

/** Name, TCP and TLS have so long together, where the client sees them: it can then say which of them it was. The rest of
 * OPEN_TIMEOUT is for the relay and its backend. Begins anew with each connection that another socket gets meanwhile. */
const SET_UP_PATIENCE = 10_000;

/** A way that is silent for so long gets another beside it: ten times a slow round trip, and four of them fit into
 * SET_UP_PATIENCE. Begins anew whenever the way works for another socket: then the host is busy, and nothing is blocked. */
const WAY_PATIENCE = 2500;

/** A host that resets connections on the way that worked until now may be starting anew. It gets so long before its name is taken to be
 * filtered: workerd is there again after 150 ms. */
const RESTART_PAUSE = 1000;

export interface Target extends Host {
  /** Name and port, as in a URL. */
  host: string;
  isSecure: boolean;
  sources: readonly Source[];
  ticket: Buffer | undefined;
}

/** Why a way ends that itself has not failed. */
const SPENT = new Error('no ClientHello is left');
const GIVEN_UP = new Error('given up');

const STAGES: readonly WayStage[] = ['dns', 'tcp', 'tls'];

export class Search {
  readonly #target: Target;
  readonly #known: Known;
  readonly #budget: Budget;
  readonly #passed: (stage: DialStage) => void;
  readonly #over = new AbortController();
  readonly #failures: Failure[] = [];
  /** Where a ClientHello was sent, and how. */
  readonly #said = new Set<string>();
  #isFound = false;

  /** @param passed is told of each stage, when one of the ways is through it */
  constructor(target: Target, known: Known, passed: (stage: DialStage) => void) {
    this.#target = target;
    this.#known = known;
    this.#budget = budgetOf(target.host);
    const through = new Set<DialStage>();
    this.#passed = (stage) => {
      if (!through.has(stage)) passed(stage);
      through.add(stage);
    };
  }

  /** Once. @throws PuenteError the most telling of all failures, when SET_UP_PATIENCE ends at the latest */
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

  /** Nobody waits for it any more. */
  giveUp(): void {
    this.#over.abort(GIVEN_UP);
  }

  get #mostTelling(): Code {
    const depth = ({ stage }: Failure) => STAGES.indexOf(stage);
    const failures = this.#failures.length > 0 ? this.#failures : [this.#known.failure];
    const told = failures.reduce((most, failure) => (depth(failure) > depth(most) ? failure : most));
    this.#known.failure = told;
    return told.code;
  }

  // --- one way after another ------------------------------------------------------------------------------------------

  #first(): Promise<Socket> {
    const { winner } = this.#known;
    return winner ? this.#from(winner) : this.#inTurn({ sources: this.#target.sources, split: false });
  }

  /**
   * Only one search at a time; the others go the way that it finds.
   * @param pause milliseconds before it begins
   */
  async #inTurn(first: Candidate, pause = 0): Promise<Socket> {
    const known = this.#known;
    const { signal } = this.#over;
    const before = known.winner;
    const isFound = () => known.winner !== undefined && known.winner !== before;
    const search = async () => {
      if (isFound()) return undefined;
      if (!this.#budget.isSpent) await sleep(pause, undefined, { signal });
      return this.#from(known.takeNext() ?? first);
    };
    const found = await known.searches.run(search, signal);
    if (found) return found;
    if (!known.winner) throw GIVEN_UP;
    return this.#from(known.winner);
  }

  /** That one; when it fails or is silent, the next as well, and so on: the first that gets through. */
  #from(candidate: Candidate): Promise<Socket> {
    const known = this.#known;
    const isKnown = candidate === known.winner;
    const way = new Way(this.#target.name, this.#passed);
    let stop = () => {};
    const silence = new Promise<Code>((resolve) => {
      const silent = () => {
        way.isSilent = true;
        resolve(way.failure(LATE));
      };
      stop = patience(WAY_PATIENCE, silent, () => (known.winner === candidate ? known.wins : 0));
    });
    const attempt = this.#attempt(candidate, way, isKnown).finally(() => stop());
    const failure = attempt.then(
      () => undefined,
      (error) => (error === SPENT || error === GIVEN_UP ? undefined : way.failure(error)),
    );
    const another = Promise.race([silence, failure]).then((code) => {
      if (!code || this.#over.signal.aborted) throw new Error('no other way');
      if (isKnown && code === 'name-blocked' && !way.isSilent) return this.#inTurn(candidate, RESTART_PAUSE);
      const next = this.#after(candidate, code);
      if (!next) throw new Error('no other way');
      return isKnown ? this.#inTurn(next) : this.#from(next);
    });
    return Promise.any([attempt, another]);
  }

  /** What this failure suggests: a name that is filtered, to send it in parts; anything else, another address. */
  #after({ sources, split }: Candidate, code: Code): Candidate | undefined {
    if (code === 'clock-off') return undefined;
    const isFiltered = code === 'name-blocked' && !split && !isIP(this.#target.name);
    if (isFiltered) return { sources, split: true };
    return sources.length > 1 ? { sources: sources.slice(1), split } : undefined;
  }

  // --- one way --------------------------------------------------------------------------------------------------------

  async #attempt(candidate: Candidate, way: Way, isKnown: boolean): Promise<Socket> {
    try {
      const addresses = await this.#addresses(candidate);
      way.found(this.#isOwn(candidate) ? addresses.map(({ host }) => host) : []);
      const { tcp, address } = await connectAny(addresses, this.#over.signal);
      way.connected();
      const socket = this.#target.isSecure ? await this.#secured(tcp, address, candidate, way, isKnown) : tcp;
      if (this.#isFound) {
        socket.destroy();
        throw GIVEN_UP;
      }
      this.#isFound = true;
      this.#known.won(isKnown ? candidate : this.#winning(candidate, address));
      return socket;
    } catch (error) {
      if (error === SPENT) this.#failures.push(this.#known.failure);
      else if (error !== GIVEN_UP) this.#failures.push({ code: way.failure(error as Error), stage: way.stage });
      throw error;
    }
  }

  async #addresses({ sources: [source], split }: Candidate): Promise<Address[]> {
    const addresses = source ? await untilOver(source(this.#over.signal), this.#over.signal) : [];
    const fresh = addresses.filter((address) => !this.#said.has(idOf(address, split)));
    if (fresh.length === 0) throw new Error('no other address');
    return fresh;
  }

  /** Each ClientHello counts that does not get through; of those that go the known way only the first, as the others had been sent by then. */
  async #secured(tcp: Socket, address: Address, candidate: Candidate, way: Way, isKnown: boolean): Promise<Socket> {
    const { split } = candidate;
    if (!isKnown && this.#budget.isSpent) {
      tcp.destroy();
      this.#known.goOnWith(candidate);
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
      // Given up in haste, it says nothing.
      if (this.#over.signal.aborted && !way.isSilent) takeBack?.();
      else if (this.#known.lost(candidate)) this.#budget.spend();
      // It may be said there once more, after RESTART_PAUSE.
      if (isKnown && !way.isSilent) this.#said.delete(idOf(address, split));
      throw error;
    }
  }

  /** The addresses are those that any client would use. */
  #isOwn({ sources }: Candidate): boolean {
    return sources[0] === this.#target.sources[0];
  }

  /** Its own are asked for anew each time, as they change; others are kept. */
  #winning(candidate: Candidate, address: Address): Candidate {
    const all = this.#target.sources;
    return { sources: this.#isOwn(candidate) ? all : [async () => [address], ...all], split: candidate.split };
  }
}

const idOf = ({ host, port }: Address, split: boolean): string => `${host} ${port} ${split}`;

/** The system's resolver cannot be told to stop. */
function untilOver<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    promise.then(resolve, reject);
  });
}
