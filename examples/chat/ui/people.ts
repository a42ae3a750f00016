/** The user's contacts. */
import { isCode } from './codes.ts';
import { objectsIn, read, write } from './kept.ts';

export interface Contact {
  code: string;
  /** Empty for somebody who has written and was not added. */
  name: string;
  /** Messages that came and that the user has not seen. */
  unread: number;
}

const CONTACTS_MAX = 200;
export const NAME_MAX = 60;

export class People {
  /** The contacts, the one changed last first. */
  #contacts: readonly Contact[];

  constructor() {
    this.#contacts = objectsIn(read('contacts')).flatMap(contactOf).slice(0, CONTACTS_MAX);
  }

  get all(): readonly Contact[] {
    return this.#contacts;
  }

  /** Whether the list is full for people who write and were not added. */
  get isFull(): boolean {
    return this.#contacts.length >= CONTACTS_MAX;
  }

  find(code: string): Contact | undefined {
    return this.#contacts.find((contact) => contact.code === code);
  }

  isNamed(code: string): boolean {
    return Boolean(this.find(code)?.name);
  }

  /** The contact who must go when the user adds another one; in a list full of names, nobody. */
  get leastWanted(): Contact | undefined {
    return this.#contacts.findLast(({ name }) => !name);
  }

  /** Adds a contact, or changes a known one. In a full list nobody is added. */
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
