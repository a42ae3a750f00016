/** One client of the gateway, from its first byte to its last. */
import type net from 'node:net';
import type { Duplex } from 'node:stream';
import { PuenteError } from '../../protocol/errors.ts';
import type { PuenteSocket } from '../node/duplex.ts';
import type { Beginning } from './beginning.ts';
import type { Entrance, Request } from './entrance.ts';
import { HungUp, Refusal } from './reading.ts';

/**
 * Milliseconds from a client's first byte to the name of its backend, or until its first bytes are known not to be a
 * web page's. On a local network no client needs longer, TLS included.
 */
export const GATEWAY_HANDSHAKE_TIMEOUT = 10_000;

/** Milliseconds that a refused client gets to read the reason. RFC 1928 section 6 allows 10 s. */
const REFUSAL_TIMEOUT = 2000;

export interface ClientEvents {
  /** The client's session is open. */
  opened(): void;
  /** The client's session was open, and has ended. Without a code both streams came to their ends. */
  closed(code: string | undefined): void;
  /** No session could be opened. */
  failed(error: PuenteError, backend: string): void;
  reconnecting(): void;
  resumed(): void;
  /** The client did not say what it wants in the way that its port expects. */
  refused(message: string): void;
  /** Bytes of the app. */
  sent(bytes: number): void;
  received(bytes: number): void;
}

export class Client {
  readonly #socket: net.Socket;
  readonly #events: ClientEvents;
  #tunnel: PuenteSocket | undefined;
  #isOpen = false;

  /**
   * @param socket just accepted; must allow a half-close
   * @param open begins a session
   */
  constructor(socket: net.Socket, entrance: Entrance, open: (backend: string) => PuenteSocket, events: ClientEvents) {
    this.#socket = socket;
    this.#events = events;
    // Ignore the error: a socket that fails also closes, and `close` has a listener.
    socket.on('error', () => {});
    this.#inTime(entrance(socket)).then(
      (request) => this.#serve(request, open),
      (error: unknown) => this.#turnAway(error, socket),
    );
  }

  /** Whether the client has a session that may finish. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  cut(): void {
    this.#tunnel?.destroy(new PuenteError('aborted'));
    this.#reset();
  }

  // --- what it wants ------------------------------------------------------------------------------------------------

  async #inTime<T>(wanted: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#events.refused(`The client did not say what it wants within ${GATEWAY_HANDSHAKE_TIMEOUT / 1000} s.`);
      this.#socket.destroy();
    }, GATEWAY_HANDSHAKE_TIMEOUT);
    try {
      return await wanted;
    } finally {
      clearTimeout(timer);
    }
  }

  #turnAway(error: unknown, client: Duplex): void {
    if (error instanceof HungUp) return void this.#socket.destroy();
    // A session that was opened for a silent client has had no bytes of this client. The session ends as the session of
    // a client that left.
    this.#tunnel?.unpipe(client).destroy();
    this.#events.refused(error instanceof Error ? error.message : String(error));
    this.#refuse(client, error instanceof Refusal ? error.reply : '');
  }

  #refuse(client: Duplex, reply: string | Uint8Array): void {
    if (reply.length === 0) return void this.#socket.destroy();
    client.end(reply);
    // Read the client's bytes up to their end: unread bytes turn the closing of a socket into a reset.
    client.resume();
    const timer = setTimeout(() => this.#socket.destroy(), REFUSAL_TIMEOUT);
    this.#socket.on('close', () => clearTimeout(timer));
  }

  // --- its session --------------------------------------------------------------------------------------------------

  async #serve(request: Request, open: (backend: string) => PuenteSocket): Promise<void> {
    const { client, beginning, answer } = request;
    try {
      if (beginning) await this.#inTime(beginning.mayOpen);
    } catch (error) {
      return this.#turnAway(error, client);
    }
    if (this.#socket.destroyed) return;
    let tunnel: PuenteSocket;
    try {
      tunnel = open(request.backend);
    } catch (error) {
      if (!(error instanceof PuenteError)) throw error;
      return this.#failed(error, request);
    }
    this.#tunnel = tunnel;
    this.#follow(tunnel, request);
    if (answer) {
      tunnel.once('connect', () => {
        client.write(answer.granted);
        this.#join(client, tunnel);
      });
    } else this.#join(client, tunnel, beginning);
  }

  #failed(error: PuenteError, { client, backend, answer }: Request): void {
    this.#events.failed(error, backend);
    if (answer) this.#refuse(client, answer.refused(error));
    else this.#reset();
  }

  /** Breaks one side when the other side breaks. */
  #follow(tunnel: PuenteSocket, request: Request): void {
    const { client } = request;
    tunnel.once('connect', () => {
      this.#isOpen = true;
      this.#events.opened();
    });
    tunnel.on('reconnecting', this.#events.reconnecting);
    tunnel.on('resumed', this.#events.resumed);
    tunnel.on('error', (error) => {
      if (this.#isOpen || this.#socket.destroyed) this.#reset();
      else if (error instanceof PuenteError) this.#failed(error, request);
    });
    tunnel.on('close', () => this.#isOpen && this.#events.closed(codeOf(tunnel.errored)));
    client.on('close', () => {
      const isWhole = !client.errored && client.readableEnded && client.writableFinished;
      if (!isWhole) tunnel.destroy(client.errored ?? new Error('The client hung up.'));
    });
  }

  /** @param beginning what the client has said, or says later; no byte of it leaves while it may be a web page's */
  #join(client: Duplex, tunnel: PuenteSocket, beginning?: Beginning): void {
    tunnel.on('data', ({ length }: Buffer) => this.#events.received(length)).pipe(client);
    if (!beginning) return this.#pass(client, tunnel);
    beginning.bytes.then(
      (bytes) => {
        if (bytes.length > 0) tunnel.write(bytes);
        this.#events.sent(bytes.length);
        this.#pass(client, tunnel);
      },
      (error: unknown) => this.#turnAway(error, client),
    );
  }

  /**
   * Joins the direction from the client. `pipe` passes on the end of the stream by itself, and holds back a writer that
   * is faster than the reader.
   */
  #pass(client: Duplex, tunnel: PuenteSocket): void {
    client.on('data', ({ length }: Buffer) => this.#events.sent(length)).pipe(tunnel);
  }

  /** Breaks the client's connection, so that the client does not take the bytes so far for all bytes. */
  #reset(): void {
    this.#socket.resetAndDestroy();
  }
}

/** An error that is no PuenteError comes from the client. */
function codeOf(error: Error | null): string | undefined {
  if (!error) return undefined;
  return error instanceof PuenteError ? error.code : 'aborted';
}
