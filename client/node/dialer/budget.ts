/** How often a name may still be said in a ClientHello while a way to it is looked for. */

/** ClientHellos in a minute that may be in vain while a way to one name is looked for. Some networks punish more. It is
 * enough for an address, another one, and that with the ClientHello in parts; what else there is, is tried a minute later. */
const SEARCH_HELLOS_MAX = 3;
const SEARCH_HELLOS_TIME = 60_000;

export class Budget {
  readonly #now: () => number;
  /** When each was said. */
  #said: number[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  get isSpent(): boolean {
    const from = this.#now() - SEARCH_HELLOS_TIME;
    this.#said = this.#said.filter((at) => at > from);
    return this.#said.length >= SEARCH_HELLOS_MAX;
  }

  /** @returns what takes it back: it was not in vain, or no part of a search. */
  spend(): () => void {
    const at = this.#now();
    this.#said.push(at);
    return () => {
      const index = this.#said.indexOf(at);
      if (index >= 0) this.#said.splice(index, 1);
    };
  }
}

/** By host and port, for the whole process: the network counts all that comes from here. */
const budgets = new Map<string, Budget>();

export function budgetOf(host: string): Budget {
  let budget = budgets.get(host);
  if (!budget) {
    budget = new Budget(() => performance.now());
    budgets.set(host, budget);
  }
  return budget;
}
