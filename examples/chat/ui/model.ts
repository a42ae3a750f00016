/**
 * The data that the page shows, and the actions of a person. The model tells every change to its listener, the page as
 * a whole.
 */
import type { PuenteError } from 'puente';
import {
  type Chat,
  type ChatEvents,
  type Identity,
  type Message,
  openChat,
  type ServerAddress,
  type State,
} from '../net/chat.ts';
import { History } from './history.ts';
import { write } from './kept.ts';
import { People } from './people.ts';
import { ProxySetting } from './proxy-setting.ts';
import { keptLanguage, type Language } from './words/words.ts';

export class Model {
  readonly identity: Identity;
  readonly people = new People();
  readonly history = new History((code) => this.people.isNamed(code));
  readonly proxy: ProxySetting;
  language: Language = keptLanguage();
  state: State = 'connecting';
  /** Why the connection is offline. */
  error: PuenteError | undefined;
  /** The code of the contact whose conversation is before the user's eyes. */
  #open: string | undefined;
  #relay: string | undefined;
  readonly #chat: Chat;
  readonly #listeners = new Set<() => void>();

  constructor(server: ServerAddress, identity: Identity) {
    this.identity = identity;
    this.proxy = new ProxySetting(server, () => this.#proxyChanged());
    this.#relay = this.proxy.relay;
    this.#chat = openChat({ server, identity: this.identity, relay: this.#relay, events: this.#events() });
    this.#sendWaiting();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  // --- what a person does -------------------------------------------------------------------------------------------

  speak(language: Language): void {
    this.language = language;
    write('language', language);
    this.#changed();
  }

  /** Names a contact, and adds the contact where there is none. */
  name(code: string, name: string): void {
    const { people } = this;
    if (!people.find(code) && people.isFull && people.leastWanted) this.remove(people.leastWanted.code);
    people.put(code, { name });
    this.#changed();
  }

  /**
   * Removes a contact, with all messages. The removed person can write again, as anybody can who has the user's code.
   */
  remove(code: string): void {
    this.people.remove(code);
    this.history.forget(code);
    this.#changed();
  }

  look(code: string | undefined): void {
    this.#open = code;
    if (!code || !this.people.find(code)?.unread) return;
    this.people.put(code, { unread: 0 });
    this.#changed();
  }

  /** @throws RangeError when too much waits already */
  send(contact: string, text: string): void {
    const id = this.#chat.send(contact, text);
    this.history.add({ id, contact, text, at: Date.now(), progress: 'waiting' });
    this.#changed();
  }

  close(): Promise<void> {
    return this.#chat.close();
  }

  /**
   * Sends waiting messages again: the closed page did not hear whether the server has them. A message with its old id
   * arrives once.
   */
  #sendWaiting(): void {
    for (const { id, contact, text } of this.history.waiting) {
      try {
        this.#chat.send(contact, text, id);
      } catch {
        // Too many messages wait, or this one is spoilt. It is shown as waiting, which is true, and holds up nothing
        // else.
      }
    }
  }

  // --- what happens -------------------------------------------------------------------------------------------------

  #events(): ChatEvents {
    return {
      state: (state, error) => {
        this.state = state;
        this.error = error;
        this.#changed();
      },
      message: (message) => this.#receive(message),
      sent: (id) => this.#advance(id, 'sent'),
      delivered: (id, from) => this.#advance(id, 'delivered', from),
    };
  }

  /** @returns whether the message is kept; only then the sender hears that the message has come */
  #receive({ id, from: contact, text, at }: Message): boolean {
    const known = this.people.find(contact);
    if (known && this.history.has({ id, contact })) return true;
    // Anybody who has the code may write. Ignore a writer whom the list cannot take.
    if (!known && this.people.isFull) return false;
    if (!this.history.add({ id, contact, text, at })) return false;
    const isSeen = contact === this.#open && document.visibilityState === 'visible';
    this.people.put(contact, { unread: isSeen ? 0 : (known?.unread ?? 0) + 1 });
    this.#changed();
    return true;
  }

  #advance(id: string, progress: 'sent' | 'delivered', contact?: string): void {
    this.history.advance(id, progress, contact);
    this.#changed();
  }

  #proxyChanged(): void {
    const { relay } = this.proxy;
    if (relay !== this.#relay) this.#chat.use(relay);
    this.#relay = relay;
    this.#changed();
  }
}
