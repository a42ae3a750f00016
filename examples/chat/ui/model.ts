/** What the page shows, and what a person can do to it. Whatever changes is told to whoever shows it, which is the page as a whole. */
import type { PuenteError } from 'puente';
import {
  type Chat,
  type ChatEvents,
  type Identity,
  type Message,
  newIdentity,
  openChat,
  type ServerAddress,
  type State,
} from '../net/chat.ts';
import { type Entry, History } from './history.ts';
import { read, write } from './kept.ts';
import { People } from './people.ts';
import { ProxySetting } from './proxy-setting.ts';
import { keptLanguage, type Language } from './words/words.ts';

export class Model {
  readonly identity: Identity;
  readonly people = new People();
  readonly history = new History();
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

  constructor(server: ServerAddress) {
    this.identity = keptIdentity();
    this.proxy = new ProxySetting(server, () => this.#proxyChanged());
    this.#relay = this.proxy.relay;
    this.#chat = openChat({ server, identity: this.identity, relay: this.#relay, events: this.#events() });
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

  name(code: string, name: string): void {
    this.people.put(code, { name });
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

  /** @throws RangeError */
  sendAgain({ id, contact, text }: Entry): void {
    this.send(contact, text);
    this.history.remove(id);
    this.#changed();
  }

  close(): Promise<void> {
    return this.#chat.close();
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
      delivered: (id) => this.#advance(id, 'delivered'),
    };
  }

  #receive({ id, from: contact, text, at }: Message): void {
    const known = this.people.find(contact);
    // Anybody who has the code may write; those whom the list cannot take are not heard.
    if (!known && this.people.isFull) return;
    if (!this.history.add({ id, contact, text, at })) return;
    const isSeen = contact === this.#open && document.visibilityState === 'visible';
    this.people.put(contact, { unread: isSeen ? 0 : (known?.unread ?? 0) + 1 });
    this.#changed();
  }

  #advance(id: string, progress: 'sent' | 'delivered'): void {
    this.history.advance(id, progress);
    this.#changed();
  }

  #proxyChanged(): void {
    const { relay } = this.proxy;
    if (relay !== this.#relay) this.#chat.use(relay);
    this.#relay = relay;
    this.#changed();
  }
}

function keptIdentity(): Identity {
  const kept = read('identity') as Identity | undefined;
  if (kept) return kept;
  const identity = newIdentity();
  write('identity', identity);
  return identity;
}
