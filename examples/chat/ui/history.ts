/**
 * All conversations, in the order in which messages were written or arrived here. When there is no room, messages by or
 * to contacts without a name go first: otherwise a stranger could push out the others. Then old messages go before new
 * ones.
 */
import { isCode } from './codes.ts';
import { objectsIn, read, write } from './kept.ts';

/** The steps in order: news of a later step may come first. */
const ORDER = ['waiting', 'sent', 'delivered'] as const;

export type Progress = (typeof ORDER)[number];

export interface Entry {
  id: string;
  /** The other person's code. */
  contact: string;
  text: string;
  /** Milliseconds, by the writer's clock. */
  at: number;
  /** Only for the user's own messages. */
  progress?: Progress;
}

const ENTRIES_MAX = 1000;
/** In characters of JSON: half of the 5 MiB that browsers let a site keep, in two bytes each. */
const KEPT_MAX = 1_250_000;

export class History {
  #entries: readonly Entry[];
  readonly #isNamed: (contact: string) => boolean;

  constructor(isNamed: (contact: string) => boolean) {
    this.#isNamed = isNamed;
    this.#entries = this.#worthiest(objectsIn(read('history')).flatMap(entryOf));
  }

  /** The user's own messages that the server is not known to have. */
  get waiting(): Entry[] {
    return this.#entries.filter(({ progress }) => progress === 'waiting');
  }

  with(contact: string): Entry[] {
    return this.#entries.filter((entry) => entry.contact === contact);
  }

  last(contact: string): Entry | undefined {
    return this.#entries.findLast((entry) => entry.contact === contact);
  }

  has({ id, contact }: Pick<Entry, 'id' | 'contact'>): boolean {
    return this.#entries.some((entry) => entry.id === id && entry.contact === contact);
  }

  /** @returns whether there is room for the entry */
  add(entry: Entry): boolean {
    const entries = this.#worthiest([...this.#entries, entry]);
    if (!entries.includes(entry)) return false;
    this.#keep(entries);
    return true;
  }

  /** @param contact the contact who reported the progress; the server does not name one */
  advance(id: string, progress: Progress, contact?: string): void {
    const isBehind = (entry: Entry): boolean =>
      entry.id === id &&
      entry.contact === (contact ?? entry.contact) &&
      entry.progress !== undefined &&
      ORDER.indexOf(entry.progress) < ORDER.indexOf(progress);
    if (!this.#entries.some(isBehind)) return;
    this.#keep(this.#entries.map((entry) => (isBehind(entry) ? { ...entry, progress } : entry)));
  }

  forget(contact: string): void {
    this.#keep(this.#entries.filter((entry) => entry.contact !== contact));
  }

  #worthiest(entries: readonly Entry[]): Entry[] {
    const isNamed = ({ contact }: Entry): boolean => this.#isNamed(contact);
    const newest = entries.toReversed();
    const worthiest = [...newest.filter(isNamed), ...newest.filter((entry) => !isNamed(entry))].slice(0, ENTRIES_MAX);
    let room = KEPT_MAX;
    const fits = (entry: Entry): boolean => {
      room -= JSON.stringify(entry).length + 1;
      return room >= 0;
    };
    const firstTooMany = worthiest.findIndex((entry) => !fits(entry));
    const kept = new Set(firstTooMany < 0 ? worthiest : worthiest.slice(0, firstTooMany));
    return entries.filter((entry) => kept.has(entry));
  }

  #keep(entries: readonly Entry[]): void {
    this.#entries = entries;
    write('history', entries);
  }
}

function entryOf({ id, contact, text, at, progress }: Record<string, unknown>): Entry[] {
  if (typeof id !== 'string' || !isCode(contact) || typeof text !== 'string' || typeof at !== 'number') return [];
  const known = ORDER.find((name) => name === progress);
  return progress === undefined || known ? [{ id, contact, text, at, ...(known && { progress: known }) }] : [];
}
