/**
 * Ports on the user's machine or network for apps that do not know of Puente. Each connection to a port becomes a
 * session.
 *
 * The way of a client: accepted → its entrance (what does it want?) → its first bytes, where a web page's are refused →
 * a tunnel to the backend → an answer → both joined.
 */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PuenteError } from '../../protocol/errors.ts';
import { NEXT_STEPS } from '../check/next-steps.ts';
import type { PuenteSocket } from '../node/duplex.ts';
import { Client, type ClientEvents } from './client.ts';
import type { Entrance } from './entrance.ts';

/**
 * Clients of all ports at a time. A browser opens 32 connections to a proxy, WhatsApp a few for each phone. Each client
 * takes two file descriptors, and some systems give a process 1,024. Each client also takes two windows: a GiB at the
 * very most for all clients.
 */
export const GATEWAY_CLIENTS_MAX = 256;

/** Milliseconds that open sessions get to finish when the gateway is stopped. */
export const STOP_TIME = 5000;

/** An event of the gateway. No event tells who a client is, or where the client goes. */
export type GatewayEvent =
  | { event: 'opened' | 'reconnecting' | 'resumed' }
  | { event: 'closed'; code: string | null }
  | { event: 'failed'; code: string; message: string; next: string }
  | { event: 'refused'; message: string };

/** Totals of all ports. */
export interface Totals {
  /** Sessions that are open now. */
  open: number;
  /** Sessions that were opened so far. */
  sessions: number;
  /** Bytes of the apps. */
  sent: number;
  received: number;
  /** How often a session had to find its next connection to its relay. */
  reconnects: number;
}

export class Gateway {
  readonly totals: Readonly<Totals> = { open: 0, sessions: 0, sent: 0, received: 0, reconnects: 0 };
  readonly #open: (backend: string) => PuenteSocket;
  readonly #events: ClientEvents;
  readonly #servers: net.Server[] = [];
  readonly #clients = new Map<net.Socket, Client>();
  #isFull = false;

  /**
   * @param open begins a session that allows a half-close
   * @param tell called with each event
   */
  constructor(open: (backend: string) => PuenteSocket, tell: (event: GatewayEvent) => void) {
    this.#open = open;
    this.#events = eventsOf(this.totals, withoutRepeats(tell));
  }

  /**
   * Accepts clients at a port.
   * @param host an address of this machine; nothing for all addresses
   * @param port 0: any free port
   * @returns the port
   * @throws the error of `listen`: EADDRINUSE, EACCES, EADDRNOTAVAIL
   */
  async listen(entrance: Entrance, host: string | undefined, port: number): Promise<number> {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket, entrance));
    server.listen({ port, ...(host && { host }) });
    await once(server, 'listening');
    // From now on an error means that one client could not be accepted. The other clients must not suffer.
    server.on('error', () => {});
    this.#servers.push(server);
    return (server.address() as net.AddressInfo).port;
  }

  /**
   * Accepts no more clients. Open sessions may finish; sessions that are still open after STOP_TIME are reset.
   * @param hurry resets the open sessions at once
   */
  async stop(hurry?: AbortSignal): Promise<void> {
    const closed = Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
    for (const client of this.#clients.values()) if (!client.isOpen) client.cut();
    const over = new AbortController();
    const signal = hurry ? AbortSignal.any([hurry, over.signal]) : over.signal;
    await Promise.race([closed, sleep(STOP_TIME, undefined, { signal }).catch(() => {})]);
    over.abort();
    for (const client of this.#clients.values()) client.cut();
    await closed;
  }

  #accept(socket: net.Socket, entrance: Entrance): void {
    const wasFull = this.#isFull;
    this.#isFull = this.#clients.size >= GATEWAY_CLIENTS_MAX;
    if (this.#isFull) {
      if (!wasFull) this.#events.refused(`There are ${GATEWAY_CLIENTS_MAX} clients already: more are turned away.`);
      return void socket.on('error', () => {}).resetAndDestroy();
    }
    this.#clients.set(socket, new Client(socket, entrance, this.#open, this.#events));
    socket.on('close', () => this.#clients.delete(socket));
  }
}

/** Tells once when clients are refused one after another for the same reason: a page can ask hundreds of times. */
function withoutRepeats(tell: (event: GatewayEvent) => void): (event: GatewayEvent) => void {
  let last: string | undefined;
  return (event) => {
    const refused = event.event === 'refused' ? event.message : undefined;
    const isRepeated = refused !== undefined && refused === last;
    last = refused;
    if (!isRepeated) tell(event);
  };
}

function eventsOf(totals: Totals, tell: (event: GatewayEvent) => void): ClientEvents {
  return {
    opened() {
      totals.open += 1;
      totals.sessions += 1;
      tell({ event: 'opened' });
    },
    closed(code) {
      totals.open -= 1;
      tell({ event: 'closed', code: code ?? null });
    },
    failed({ code, message }, backend) {
      tell({ event: 'failed', code, message, next: nextStep(code, backend) });
    },
    reconnecting() {
      totals.reconnects += 1;
      tell({ event: 'reconnecting' });
    },
    resumed: () => tell({ event: 'resumed' }),
    refused: (message) => tell({ event: 'refused', message }),
    sent(bytes) {
      totals.sent += bytes;
    },
    received(bytes) {
      totals.received += bytes;
    },
  };
}

/**
 * Relays list their backends by name. An app that has looked up the name asks for an IP address, which no relay lists.
 */
function nextStep(code: PuenteError['code'], backend: string): string {
  const isNumeric = backend.startsWith('[') || net.isIPv4(backend.slice(0, backend.lastIndexOf(':')));
  if (code === 'backend-not-allowed' && isNumeric)
    return 'The app asked for an IP address: let the proxy look names up (socks5h://, "DNS through the proxy").';
  return NEXT_STEPS[code];
}
