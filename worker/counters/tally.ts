/**
 * Counts how much a relay is used: how many sessions, bytes and refusals. No count says whose they are, where they come
 * from, or to which backend they go.
 */
import { PuenteError } from '../../protocol/errors.ts';

/** Keys: `sessions`, `checks`, `up` (bytes from clients), `down` (bytes from backends), and the codes of refusals. */
export type Counts = Record<string, number>;

export function sum(...all: readonly Counts[]): Counts {
  const total: Counts = {};
  for (const counts of all)
    for (const [kind, count] of Object.entries(counts)) total[kind] = (total[kind] ?? 0) + count;
  return total;
}

/** Bytes that went each way so far: `up` from the client, `down` from the backend. */
export interface Carried {
  up: number;
  down: number;
}

export class Tally {
  #counts: Counts = {};
  /**
   * For each open session, the bytes that it has carried, and the bytes that are already counted. The map does not keep
   * the sessions themselves: if an invocation is killed, nobody removes its sessions.
   */
  readonly #open = new Map<Readonly<Carried>, Carried>();

  add(counts: Counts): void {
    this.#counts = sum(this.#counts, counts);
  }

  /** Runs the answer to a hello. If the answer is a refusal, counts the refusal. */
  async during(answer: () => Promise<void>): Promise<void> {
    try {
      await answer();
    } catch (error) {
      if (error instanceof PuenteError) this.add({ [error.code]: 1 });
      throw error;
    }
  }

  /** Counts a session, and its bytes until `run` is over. */
  async follow(carried: Readonly<Carried>, run: () => Promise<void>): Promise<void> {
    this.add({ sessions: 1 });
    this.#open.set(carried, { up: 0, down: 0 });
    try {
      await run();
    } finally {
      this.#measure(carried);
      this.#open.delete(carried);
    }
  }

  #measure(carried: Readonly<Carried>): void {
    const { up, down } = carried;
    const counted = this.#open.get(carried);
    this.#open.set(carried, { up, down });
    if (counted && up > counted.up) this.add({ up: up - counted.up });
    if (counted && down > counted.down) this.add({ down: down - counted.down });
  }

  /** The counts since the last call, with the bytes of open sessions; `undefined` if nothing was counted. */
  take(): Counts | undefined {
    for (const carried of this.#open.keys()) this.#measure(carried);
    const counts = this.#counts;
    this.#counts = {};
    return Object.keys(counts).length > 0 ? counts : undefined;
  }
}
