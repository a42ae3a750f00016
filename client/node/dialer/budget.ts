/** How many ClientHellos a search may still send with a name. */

/**
 * ClientHellos with one name that may fail in a minute. Some networks punish more. Three are enough for one address, a
 * second address, and the second address with the ClientHello in parts. The search goes on a minute later.
 */
const SEARCH_HELLOS_MAX = 3;
const SEARCH_HELLOS_TIME = 60_000;

export class SearchBudget {
  readonly #now: () => number;
  /** The time at which each ClientHello was sent. */
  #said: number[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  get isSpent(): boolean {
    const from = this.#now() - SEARCH_HELLOS_TIME;
    this.#said = this.#said.filter((at) => at > from);
    return this.#said.length >= SEARCH_HELLOS_MAX;
  }

  /** @returns a function that takes the ClientHello back, when it was not in vain or was no part of a search */
  spend(): () => void {
    const at = this.#now();
    this.#said.push(at);
    return () => {
      const index = this.#said.indexOf(at);
      if (index >= 0) this.#said.splice(index, 1);
    };
  }
}

/** Budgets by host and port, for the whole process: the network counts all ClientHellos that come from here. */
const budgets = new Map<string, SearchBudget>();

export function budgetOf(host: string): SearchBudget {
  let budget = budgets.get(host);
  if (!budget) {
    budget = new SearchBudget(() => performance.now());
    budgets.set(host, budget);
  }
  return budget;
}
