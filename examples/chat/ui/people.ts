/** Those with whom one writes. */
import { isCode } from './codes.ts';
import { objectsIn, read, write } from './kept.ts';

export interface Contact {
  code: string;
  /** Empty for somebody who has written and was not added. */
  name: string;
  /** Messages that came and were not seen. */
  unread: number;
}

const CONTACTS_MAX = 200;
export const NAME_MAX = 60;

export class People {
  /** Those first of whom something was last. */
  #contacts: readonly Contact[];

  constructor() {
    this.#contacts = objectsIn(read('contacts')).flatMap(contactOf).slice(0, CONTACTS_MAX);
  }

  get all(): readonly Contact[] {
    return this.#contacts;
  }

  /** For those who write and were not added. */
  get isFull(): boolean {
    return this.#contacts.length >= CONTACTS_MAX;
  }

  find(code: string): Contact | undefined {
    return this.#contacts.find((contact) => contact.code === code);
  }

  isNamed(code: string): boolean {
    return Boolean(this.find(code)?.name);
  }

  /** Who has to go for somebody whom the user adds; in a list that is full of names, nobody. */
  get leastWanted(): Contact | undefined {
    return this.#contacts.findLast(({ name }) => !name);
  }

  /** Adds somebody, or changes what is known of them; in a full list nobody is added. */
  put(code: string, change: Partial<Contact>): void {
    const known = this.find(code);
    if (!known && this.isFull) return;
    const others = this.#contacts.filter((contact) => contact !== known);
    this.#keep([{ code, name: '', unread: 0, ...known, ...change }, ...others]);
  }

  remove(code: string): void {
    this.#keep(this.#contacts.filter((contact) => contact.code !== code));
  }

  #keep(contacts: readonly Contact[]): void {
    this.#contacts = contacts;
    write('contacts', contacts);
  }
}

function contactOf({ code, name, unread }: Record<string, unknown>): Contact[] {
  if (!isCode(code) || typeof name !== 'string') return [];
  return [{ code, name: name.slice(0, NAME_MAX), unread: typeof unread === 'number' ? unread : 0 }];
}
