/** Counts how much a relay is used: how many sessions, bytes and refusals. Nothing of whose, from where or to which backend. */
import { PuenteError } from '../protocol/errors.ts';
import type { Carried, Pipe } from './pipe.ts';

/** `sessions`, `checks`, `up` and `down` (bytes from clients, and from backends), and the codes of refusals. */
export type Counts = Record<string, number>;

export function sum(...all: readonly Counts[]): Counts {
  const total: Counts = {};
  for (const counts of all)
    for (const [kind, count] of Object.entries(counts)) total[kind] = (total[kind] ?? 0) + count;
  return total;
}

export class Tally {
  #counts: Counts = {};
  /** The sessions that are open, and what of their bytes is counted. */
  readonly #open = new Map<Pick<Pipe, 'carried'>, Carried>();

  add(counts: Counts): void {
    this.#counts = sum(this.#counts, counts);
  }

  /** Runs what answers a hello; if that is a refusal, it is counted. */
  async during(answer: () => Promise<void>): Promise<void> {
    try {
      await answer();
    } catch (error) {
      if (error instanceof PuenteError) this.add({ [error.code]: 1 });
      throw error;
    }
  }

  /** Counts a session, and its bytes until `run` is over. */
  async follow(session: Pick<Pipe, 'carried'>, run: () => Promise<void>): Promise<void> {
    this.add({ sessions: 1 });
    this.#open.set(session, { up: 0, down: 0 });
    try {
      await run();
    } finally {
      this.#measure(session);
      this.#open.delete(session);
    }
  }

  #measure(session: Pick<Pipe, 'carried'>): void {
    const { up, down } = session.carried;
    const counted = this.#open.get(session);
    this.#open.set(session, { up, down });
    if (counted && up > counted.up) this.add({ up: up - counted.up });
    if (counted && down > counted.down) this.add({ down: down - counted.down });
  }

  /** What was counted since the last time, the bytes of open sessions too; `undefined` where that is nothing. */
  take(): Counts | undefined {
    for (const session of this.#open.keys()) this.#measure(session);
    const counts = this.#counts;
    this.#counts = {};
    return Object.keys(counts).length > 0 ? counts : undefined;
  }
}
