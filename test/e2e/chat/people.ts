/** People with the example chat's page open: what they were told. */
import {
  type Chat,
  type Identity,
  type Message,
  newIdentity,
  openChat,
  type ServerAddress,
  type State,
} from '../../../examples/chat/net/chat.ts';
import { until } from '../../support/until.ts';

export class Person {
  readonly identity: Identity;
  readonly states: State[] = [];
  readonly errors: string[] = [];
  readonly messages: Message[] = [];
  readonly sent: string[] = [];
  readonly delivered: string[] = [];
  /** The codes of those who said so. */
  readonly receivers = new Set<string>();
  /** Whether the page has room for messages. */
  keeps = true;
  readonly chat: Chat;

  constructor(server: ServerAddress, relay: string | undefined, identity = newIdentity()) {
    this.identity = identity;
    this.chat = openChat({
      server,
      identity,
      relay,
      events: {
        state: (state, error) => {
          this.states.push(state);
          if (error) this.errors.push(error.code);
        },
        message: (message) => {
          this.messages.push(message);
          return this.keeps;
        },
        sent: (id) => this.sent.push(id),
        delivered: (id, from) => {
          this.delivered.push(id);
          this.receivers.add(from);
        },
      },
    });
  }

  get code(): string {
    return this.identity.code;
  }

  get state(): State | undefined {
    return this.states.at(-1);
  }

  get texts(): string[] {
    return this.messages.map(({ text }) => text);
  }

  /** Resolves when the state is or was this one, after those that there were before. */
  async becomes(state: State, since = 0): Promise<void> {
    await until(`${state} (${this.states})`, () => this.states.includes(state, since), 20_000);
  }

  say(to: Person, ...texts: string[]): string[] {
    return texts.map((text) => this.chat.send(to.code, text));
  }

  /** Resolves when the other one has all of it; a message that came twice stands twice in `texts`. */
  async hasDelivered(ids: string[]): Promise<void> {
    await until('delivered', () => ids.every((id) => this.delivered.includes(id)), 20_000);
  }
}
