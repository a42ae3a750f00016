/** All conversations, in the order in which things were said or heard here; the oldest are forgotten. */
import { read, write } from './kept.ts';

/** `unsent`: whether it was sent is not known, for the page was closed before the server said so. */
export type Progress = 'waiting' | 'sent' | 'delivered' | 'unsent';

export interface Entry {
  id: string;
  /** The other one's code. */
  contact: string;
  text: string;
  /** Milliseconds, by the clock of who wrote it. */
  at: number;
  /** Of one's own alone. */
  progress?: Progress;
}

const ENTRIES_MAX = 1000;
/** In characters of JSON: half of what browsers let a site keep, 5 MiB in two bytes each. */
const KEPT_MAX = 1_250_000;

/** It may be told of a later one first. */
const ORDER: readonly Progress[] = ['unsent', 'waiting', 'sent', 'delivered'];

export class History {
  #entries: readonly Entry[] = [];

  constructor() {
    const kept = read('history');
    const entries = Array.isArray(kept) ? (kept as Entry[]) : [];
    this.#keep(entries.map((entry) => (entry.progress === 'waiting' ? { ...entry, progress: 'unsent' } : entry)));
  }

  with(contact: string): Entry[] {
    return this.#entries.filter((entry) => entry.contact === contact);
  }

  last(contact: string): Entry | undefined {
    return this.#entries.findLast((entry) => entry.contact === contact);
  }

  /** @returns false for what is there already */
  add(entry: Entry): boolean {
    const { id, contact } = entry;
    if (this.#entries.some((known) => known.id === id && known.contact === contact)) return false;
    this.#keep([...this.#entries, entry]);
    return true;
  }

  remove(id: string): void {
    this.#keep(this.#entries.filter((entry) => entry.id !== id));
  }

  advance(id: string, progress: Progress): void {
    const isLater = (entry: Entry) => entry.progress && ORDER.indexOf(entry.progress) < ORDER.indexOf(progress);
    this.#keep(this.#entries.map((entry) => (entry.id === id && isLater(entry) ? { ...entry, progress } : entry)));
  }

  #keep(entries: readonly Entry[]): void {
    let room = KEPT_MAX;
    const fits = (entry: Entry): boolean => {
      room -= JSON.stringify(entry).length + 1;
      return room >= 0;
    };
    const last = entries.slice(-ENTRIES_MAX);
    this.#entries = last.slice(1 + last.findLastIndex((entry) => !fits(entry)));
    write('history', this.#entries);
  }
}
