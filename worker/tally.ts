/** Counts how much a relay is used: how many sessions, bytes and refusals. Nothing of whose, from where or to which backend. */
import { PuenteError } from '../protocol/errors.ts';
import type { Session } from '../protocol/session.ts';

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
  readonly #open = new Map<Session, Session['carried']>();

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
  async follow(session: Session, run: () => Promise<void>): Promise<void> {
    this.add({ sessions: 1 });
    this.#open.set(session, { received: 0, written: 0 });
    try {
      await run();
    } finally {
      this.#measure(session);
      this.#open.delete(session);
    }
  }

  /** By its offsets, so that nothing is done for a record. */
  #measure(session: Session): void {
    const { carried } = session;
    const { received, written } = this.#open.get(session) ?? carried;
    this.#open.set(session, carried);
    if (carried.received > received) this.add({ up: carried.received - received });
    if (carried.written > written) this.add({ down: carried.written - written });
  }

  /** What was counted since the last time, the bytes of open sessions too; `undefined` where that is nothing. */
  take(): Counts | undefined {
    for (const session of this.#open.keys()) this.#measure(session);
    const counts = this.#counts;
    this.#counts = {};
    return Object.keys(counts).length > 0 ? counts : undefined;
  }
}
