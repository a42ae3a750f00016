/** What the page shows, and what a person can do to it. Whatever changes is told to whoever shows it, which is the page as a whole. */
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
  /** Why it is offline. */
  error: PuenteError | undefined;
  /** The code of the one whose conversation is before the user's eyes. */
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

  /** Adds them, where they are not there. */
  name(code: string, name: string): void {
    const { people } = this;
    if (!people.find(code) && people.isFull && people.leastWanted) this.remove(people.leastWanted.code);
    people.put(code, { name });
    this.#changed();
  }

  /** With all that was said. Whoever is removed can write again, as anybody can who has the user's code. */
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

  /** Whether the server has it, the page that was closed did not hear; with the id that it had, it arrives once. */
  #sendWaiting(): void {
    for (const { id, contact, text } of this.history.waiting) {
      try {
        this.#chat.send(contact, text, id);
      } catch {
        // More than may wait, or spoilt: it is shown as waiting, which it does, and nothing else is held up.
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

  /** @returns whether it is kept; the other one is told that it has come only if it is */
  #receive({ id, from: contact, text, at }: Message): boolean {
    const known = this.people.find(contact);
    if (known && this.history.has({ id, contact })) return true;
    // Anybody who has the code may write; those whom the list cannot take are not heard.
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
