/** What the page's user interface stands on: one user's connection to the chat server. */
import type { CheckedStage, PuenteError, Report } from 'puente';

/**
 * `online`: as usual. `reconnecting`: cut, being mended. `resumed`: mended without loss, `online` follows. `offline`: nothing
 * works, the error says why; it is tried again all the same.
 */
export type State = 'connecting' | 'online' | 'reconnecting' | 'resumed' | 'offline';

export interface Message {
  id: string;
  /** Contact codes. */
  from: string;
  to: string;
  text: string;
  /** When it was written, in milliseconds, by the clock of who wrote it. */
  at: number;
}

/** As `/server.json` has it. */
export interface ServerAddress {
  /** Its Noise front, as the relay connects it: `host:port`. */
  backend: string;
  /** Its WebSocket port: a `wss:` or `ws:` URL. */
  webSocket: string;
  /** The front's X25519 key, base64url. */
  key: string;
}

export interface ChatEvents {
  state(state: State, error?: PuenteError): void;
  message(message: Message): void;
  /** The server has it. */
  sent(id: string): void;
  /** The other one's page has it. */
  delivered(id: string): void;
}

export interface Identity {
  /** base64url */
  secret: string;
  /** Its X25519 key, base64url: the contact code that others paste. */
  code: string;
}

export interface ChatOptions {
  server: ServerAddress;
  identity: Identity;
  /** A link or a bare address; without one, the server's own WebSocket port is used. */
  relay?: string | undefined;
  events: ChatEvents;
}

export interface Chat {
  /**
   * Kept until the server has it, also while nothing works.
   * @returns the message's id
   * @throws RangeError when too many wait already, or the text is too long; TypeError when `to` is no contact code
   */
  send(to: string, text: string): string;
  /** Moves to another way. What waits goes over that. */
  use(relay: string | undefined): void;
  /** Gives up what is not sent yet. */
  close(): Promise<void>;
}

export function newIdentity(): Identity {
  throw new Error('to come');
}

export function openChat(options: ChatOptions): Chat {
  throw new Error(`to come: ${options}`);
}

/** The setting's check: whether each relay leads to this server, and how fast. */
export function checkRelays(
  relays: string[],
  server: ServerAddress,
  onStage: (relay: string, stage: CheckedStage) => void = () => {},
): Promise<Report> {
  throw new Error(`to come: ${relays} ${server} ${onStage}`);
}
