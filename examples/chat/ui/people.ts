/** Those with whom one writes. */
import { read, write } from './kept.ts';

export interface Contact {
  code: string;
  /** Empty for somebody who has written and was not added. */
  name: string;
  /** Messages that came and were not seen. */
  unread: number;
}

const CONTACTS_MAX = 200;
export const NAME_MAX = 60;

/** An X25519 key in base64url: its last digit has four bits only. */
export const isCode = (text: string): boolean => /^[\w-]{42}[AEIMQUYcgkosw048]$/.test(text);

export class People {
  #contacts: Contact[];

  constructor() {
    const kept = read('contacts');
    this.#contacts = Array.isArray(kept) ? (kept as Contact[]).slice(0, CONTACTS_MAX) : [];
  }

  get all(): readonly Contact[] {
    return this.#contacts;
  }

  get isFull(): boolean {
    return this.#contacts.length >= CONTACTS_MAX;
  }

  find(code: string): Contact | undefined {
    return this.#contacts.find((contact) => contact.code === code);
  }

  /** Adds somebody, or changes what is known of them; in a full list nobody is added. */
  put(code: string, change: Partial<Contact>): void {
    const known = this.find(code);
    if (!known && this.isFull) return;
    const others = this.#contacts.filter((contact) => contact !== known);
    this.#contacts = [{ code, name: '', unread: 0, ...known, ...change }, ...others];
    write('contacts', this.#contacts);
  }
}
