/**
 * The base of the page's user interface: one user's connection to the chat server. A lost connection is always opened
 * again.
 *
 * A message arrives once. The server may get and deliver a message twice, when an acknowledgement (MQTT's PUBACK) was
 * lost with its connection. So the receiver goes by the message's id.
 */
import { type CheckedStage, check, connect, type PuenteError, type Report } from 'puente';
import { type Bytes, toBase64url } from 'puente/bytes';
import { type Identity, inboxOf, topicOf } from './identity.ts';
import { asPuenteError, Line } from './line.ts';
import { GOODBYE, puback, publish } from './mqtt.ts';
import { Outbox, WAITING_MAX } from './outbox.ts';
import { random } from './random.ts';
import { openFrom, sealFor } from './seal.ts';
import { type ByteStream, openWebSocket } from './stream.ts';

export { type Identity, newIdentity } from './identity.ts';
export { WAITING_MAX } from './outbox.ts';

/**
 * `online`: as usual. `reconnecting`: the connection is cut, and is being mended. `resumed`: the connection is mended
 * without loss, `online` follows. `offline`: nothing works, and the error says why; the page goes on trying.
 */
export type State = 'connecting' | 'online' | 'reconnecting' | 'resumed' | 'offline';

export interface Message {
  id: string;
  /** Contact codes. */
  from: string;
  to: string;
  text: string;
  /** The time of writing, in milliseconds, by the writer's clock; not later than the time of arrival. */
  at: number;
}

/** The server's address as in `/server.json`. */
export interface ServerAddress {
  /** The server's Noise front, as the relay connects it: `host:port`. */
  backend: string;
  /** The server's WebSocket port: a `wss:` or `ws:` URL. */
  webSocket: string;
  /** The front's X25519 key, base64url. */
  key: string;
}

export interface ChatEvents {
  state(state: State, error?: PuenteError): void;
  /**
   * Called once for each id that was kept, until the page is loaded anew. Then the last messages may come again.
   * @returns whether the page has kept the message, now or before: only then the sender hears that the message has come
   */
  message(message: Message): boolean;
  /** The server has the message. */
  sent(id: string): void;
  /**
   * Somebody's page has the message. May be called before `sent`, and again.
   * @param from the contact code of this person. Anybody can name any id, so the call counts only from the receiver of
   * the message.
   */
  delivered(id: string, from: string): void;
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
   * Keeps a message until the server has it, also while nothing works; but not when the page is closed.
   * @param text at most {@link TEXT_MAX} characters
   * @param id the id of a message that was written before, and lost with its page: a receiver that has the message
   * already drops it
   * @returns the message's id
   * @throws RangeError when {@link WAITING_MAX} wait already, or the text is too long; TypeError when `to` is no
   * contact code
   */
  send(to: string, text: string, id?: string): string;
  /** Moves to another way to the server. Waiting messages take the new way. */
  use(relay: string | undefined): void;
  /** Gives up messages that are not sent yet. */
  close(): Promise<void>;
}

export const TEXT_MAX = 4000;

/** The longest id, in characters: this app's ids have 22. */
const ID_MAX = 64;

/** The last moment of a `Date`, in milliseconds. */
const TIME_MAX = 8.64e15;

/** Ids of messages that have come. The number is larger than the number of messages that a server delivers again. */
const REMEMBERED_MAX = 4096;

/** How long the state is `resumed`, in milliseconds, so that people see it. */
const RESUMED_TIME = 2000;

/**
 * The longest pause between two attempts, in milliseconds. The pause is random, so that users cut off by one event do
 * not all come back at once.
 */
const PAUSE_MIN = 250;
const PAUSE_MAX = 30_000;

/** Milliseconds that the server gets to hang up. After them the page leaves all the same. */
const GOODBYE_TIME = 2000;

/**
 * Milliseconds. A connection that lasts less has failed: otherwise two pages of one identity would drive out each other
 * without a pause.
 */
const STEADY_TIME = 10_000;

/** The setting's check: whether each relay leads to this server, and how fast. */
export function checkRelays(
  relays: string[],
  server: ServerAddress,
  onStage: (relay: string, stage: CheckedStage) => void = () => {},
): Promise<Report> {
  return check(relays, { backend: `whatsapp://${server.backend}`, onStage });
}

export function openChat(options: ChatOptions): Chat {
  return new Connections(options);
}

/** The content that is sealed for the other user: a message, or the news that the other user's message has come. */
type Content = { id: string; text: string; at: number } | { ack: string };

class Connections implements Chat {
  readonly #server: ServerAddress;
  readonly #identity: Identity;
  readonly #events: ChatEvents;
  readonly #outbox = new Outbox();
  readonly #remembered = new Set<string>();
  readonly #ended: Promise<void>;
  #relay: string | undefined;
  #line: Line | undefined;
  /** Ends the connection, or the attempt at one, or the pause before one. */
  #turn = new AbortController();
  /** The next connection goes another way than the last one. */
  #isOtherWay = true;
  #isClosed = false;
  #resumedTimer: ReturnType<typeof setTimeout> | undefined;

  constructor({ server, identity, relay, events }: ChatOptions) {
    this.#server = server;
    this.#identity = identity;
    this.#events = events;
    this.#relay = relay;
    this.#ended = this.#run();
  }

  // --- for the user interface ---------------------------------------------------------------------------------------

  send(to: string, text: string, id = toBase64url(random(16))): string {
    if (this.#outbox.isFull) throw new RangeError(`${WAITING_MAX} messages wait already.`);
    if (text.length > TEXT_MAX) throw new RangeError(`A message has ${TEXT_MAX} characters at most.`);
    this.#post(to, { id, text, at: Date.now() }, id);
    return id;
  }

  use(relay: string | undefined): void {
    this.#relay = relay;
    this.#isOtherWay = true;
    this.#turn.abort();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (!this.#line) this.#turn.abort();
    // The server hangs up on a goodbye. Without a goodbye the server would wait for this page, and find out late.
    this.#line?.write(GOODBYE);
    const timer = setTimeout(() => this.#turn.abort(), GOODBYE_TIME);
    await this.#ended;
    clearTimeout(timer);
    clearTimeout(this.#resumedTimer);
  }

  // --- connections, one after another -------------------------------------------------------------------------------

  async #run(): Promise<void> {
    for (let failures = 0; !this.#isClosed; ) {
      if (this.#isOtherWay) {
        this.#isOtherWay = false;
        failures = 0;
        this.#tell('connecting');
      }
      const { lasted, error } = await this.#connectOnce();
      if (this.#isClosed || this.#isOtherWay) continue;
      failures = lasted > STEADY_TIME ? 1 : failures + 1;
      if (lasted > 0) this.#tell('reconnecting');
      else this.#tell('offline', error);
      await this.#pause(Math.random() * Math.min(PAUSE_MAX, PAUSE_MIN * 2 ** failures));
    }
  }

  /** @returns when the connection has ended: why, and for how many milliseconds it was online */
  async #connectOnce(): Promise<{ lasted: number; error: PuenteError }> {
    const turn = new AbortController();
    this.#turn = turn;
    let since = Number.POSITIVE_INFINITY;
    try {
      const line = await Line.open(() => this.#openStream(turn.signal), this.#server.key, this.#identity, turn);
      since = performance.now();
      this.#line = line;
      this.#tell('online');
      for (const packetId of this.#outbox.all()) this.#sendOn(line, packetId);
      for (;;) await this.#hear(line);
    } catch (error) {
      return { lasted: Math.max(0, performance.now() - since), error: asPuenteError(error) };
    } finally {
      this.#line = undefined;
      turn.abort();
    }
  }

  #openStream(over: AbortSignal): ByteStream {
    if (this.#relay === undefined) return openWebSocket(this.#server.webSocket);
    const socket = connect(this.#server.backend, { relay: this.#relay });
    // Ignore what happens to a session before the server has let this user in.
    const hear = (status: 'reconnecting' | 'resumed') =>
      socket.addEventListener(status, () => this.#line && this.#tell(status), { signal: over });
    hear('reconnecting');
    hear('resumed');
    return socket;
  }

  /** Waits. Ends early when there is a better way, or the network is back. */
  #pause(ms: number): Promise<void> {
    const turn = new AbortController();
    this.#turn = turn;
    const timer = setTimeout(() => turn.abort(), ms);
    globalThis.addEventListener?.('online', () => turn.abort(), { signal: turn.signal });
    return new Promise((resolve) => {
      turn.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #tell(state: State, error?: PuenteError): void {
    clearTimeout(this.#resumedTimer);
    if (this.#line) this.#line.isMended = state === 'reconnecting';
    if (state === 'resumed') this.#resumedTimer = setTimeout(() => this.#tell('online'), RESUMED_TIME);
    this.#events.state(state, error);
  }

  // --- messages -----------------------------------------------------------------------------------------------------

  #post(to: string, content: Content, id?: string): void {
    const sealed = sealFor(to, JSON.stringify(content), this.#identity);
    const packetId = this.#outbox.add(topicOf(inboxOf(to)), sealed, id);
    if (this.#line) this.#sendOn(this.#line, packetId);
  }

  #sendOn(line: Line, packetId: number): void {
    const waiting = this.#outbox.get(packetId);
    if (!waiting) return;
    line.write(publish(waiting.topic, waiting.payload, packetId, waiting.wasSent));
    waiting.wasSent = true;
  }

  async #hear(line: Line): Promise<void> {
    const packet = await line.next();
    // Leave packets after the goodbye to the next window: the server delivers them to it again.
    if (this.#isClosed) return;
    if (packet.type === 'publish') {
      this.#receive(packet.payload);
      // Wait for the write, so that the page reads no more than it can answer.
      await line.write(puback(packet.packetId));
    } else if (packet.type === 'puback') {
      const { id } = this.#outbox.remove(packet.packetId) ?? {};
      if (id !== undefined) this.#events.sent(id);
    }
  }

  #receive(payload: Bytes): void {
    const received = this.#read(payload);
    if (!received) return;
    const { from, content } = received;
    if ('ack' in content) return this.#events.delivered(content.ack, from);
    const key = `${from} ${content.id}`;
    if (!this.#remembered.has(key)) {
      if (!this.#events.message({ ...content, from, to: this.#identity.code })) return;
      this.#remember(key);
    }
    // With a full outbox the other user is left in doubt, and nothing is lost: a message that they send again is
    // acknowledged again.
    if (!this.#outbox.isFullOfAcks) this.#post(from, { ack: content.id });
  }

  /** Returns nothing for a payload that is not from a user of this app: anybody may send anything to an inbox. */
  #read(payload: Bytes): { from: string; content: Content } | undefined {
    try {
      const { from, text } = openFrom(payload, this.#identity);
      return { from, content: contentOf(JSON.parse(text)) };
    } catch {
      return undefined;
    }
  }

  #remember(key: string): void {
    this.#remembered.add(key);
    if (this.#remembered.size <= REMEMBERED_MAX) return;
    const [oldest = ''] = this.#remembered;
    this.#remembered.delete(oldest);
  }
}

/** @throws TypeError */
function contentOf({ id, text, at, ack }: Record<string, unknown>): Content {
  if (isText(ack, ID_MAX)) return { ack };
  if (!isText(id, ID_MAX) || !isText(text, TEXT_MAX) || !isTime(at)) throw new TypeError();
  // A fast clock, or a lie, would keep the message below all later messages.
  return { id, text, at: Math.min(at, Date.now()) };
}

function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value.length <= max;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= TIME_MAX;
}
