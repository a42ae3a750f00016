import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';
import { type Bytes, free } from '../../protocol/bytes.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { RECORD_MAX } from '../../protocol/limits.ts';
import type { Dial, DialEvents } from '../runtime.ts';
import { RESOLVERS } from './dialer/doh.ts';
import { RoutesByHost } from './dialer/known-routes.ts';
import { RouteSearch } from './dialer/search.ts';
import { parseAddress, sourcesOf } from './dialer/sources.ts';
import { MASKED_MIN, masked } from './masked.ts';

export interface DialerOptions {
  /**
   * Other addresses of the relays, `host` or `host:port`: for example, addresses of the edge that also serve the
   * relays' names. The dialer tries them in turn where a name's own addresses do not lead to the relay. The host at
   * each address must have the relay's certificate.
   */
  addresses?: readonly string[];
  /**
   * Resolvers to ask over HTTPS (RFC 8484) where the system's answer does not lead to the relay, as URLs. Default:
   * `https://1.1.1.1/dns-query` and `https://8.8.8.8/dns-query`, both at once; `[]` asks no resolver. The resolvers
   * learn the relay's name.
   */
  doh?: readonly string[];
  /** The resolver to ask first, as for `net.connect`; default: the system's. */
  lookup?: LookupFunction;
}

/** The latest TLS ticket of each host. A handshake with a ticket takes 3 KB less. */
const tickets = new Map<string, Buffer>();

/**
 * Opens WebSockets with `ws`. An ordinary network sees an ordinary client. Where the network blocks this client, the
 * dialer searches for other routes: the ClientHello in parts, other addresses of the same name, DNS over HTTPS. The
 * search sends at most three ClientHellos a minute to one name. The dialer keeps the route that works in memory, for
 * each network, and tries this route first. TLS is always verified, for the relay's own name.
 *
 * @throws PuenteError `address-invalid` for one of the addresses
 *
 * @example
 * ```ts
 * const dial = dialer({ addresses: ['104.16.0.1', '[2606:4700::1111]:443'] });
 * const socket = createConnection('chat.example.org:5223', { relay: link, dial });
 * ```
 */
export function dialer({ addresses = [], doh = RESOLVERS, lookup = systemLookup }: DialerOptions = {}): Dial {
  for (const address of addresses) parseAddress(address, 443);
  const routes = new RoutesByHost();
  return (url, protocols, events, resumeTls) => {
    const to = new URL(url);
    const isSecure = to.protocol === 'wss:';
    const name = to.hostname.replace(/^\[|\]$/g, '');
    const port = Number(to.port) || (isSecure ? 443 : 80);
    const target = {
      ...{ name, port, host: to.host, isSecure },
      sources: sourcesOf({ name, port }, { lookup, addresses, doh }),
      // A ticket links its connection to the connection before. Use a ticket only where there is a need.
      ticket: resumeTls ? tickets.get(to.host) : undefined,
    };
    const search = new RouteSearch(target, routes.to(to.host), (stage) => events.passed?.(stage));
    let opened: Opened | undefined;
    let isUnwanted = false;
    search.run().then(
      (connection) => {
        // Keep the ticket of a verified connection only: the ticket stands for the verification.
        connection.on('session', (ticket: Buffer) => tickets.set(to.host, ticket));
        opened = { connection, webSocket: upgrade(connection, to, protocols, events) };
        if (isUnwanted) opened.webSocket.terminate();
      },
      (error: PuenteError) => events.closed(error),
    );
    return {
      send(message) {
        if (opened?.webSocket.readyState === WebSocket.OPEN) send(opened, message);
      },
      close() {
        isUnwanted = true;
        search.giveUp();
        opened?.webSocket.close(1000);
      },
    };
  };
}

interface Opened {
  connection: Socket;
  /** The WebSocket on this connection. */
  webSocket: WebSocket;
}

/**
 * Sends messages in order, both those that `ws` masks and those that `masked` masks: without compression `ws` writes
 * each message at once.
 */
function send({ connection, webSocket }: Opened, message: Bytes): void {
  if (message.length < MASKED_MIN) return webSocket.send(message);
  const frame = masked(message);
  connection.write(frame, () => free(frame));
}

/** A dialer with the system's resolver first, and without other addresses. */
export const dial = dialer();

/** Cloudflare's answer for an account that has used up its requests of the day. */
const TOO_MANY_REQUESTS = 429;

function upgrade(connection: Socket, to: URL, protocols: string[], events: DialEvents): WebSocket {
  const options: ClientOptions = {
    perMessageDeflate: false,
    maxPayload: RECORD_MAX,
    createConnection: () => connection,
    headers: {
      // Chromium's headers, in Chromium's order. `ws` keeps the order, and adds Sec-WebSocket-Key and
      // Sec-WebSocket-Protocol. Leave out the headers that only a browser can send: a User-Agent, an Origin, a
      // language. With them the relay would see a lie, and the relay's host a lie that TLS contradicts.
      Host: to.host,
      Connection: 'Upgrade',
      Pragma: 'no-cache',
      'Cache-Control': 'no-cache',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
    },
  };
  const socket = new WebSocket(to, protocols, options);
  let code: Code = 'unreachable';
  let date: Date | undefined;
  socket.on('open', () => {
    events.passed?.('upgrade');
    events.passed?.('hello');
    code = 'carrier-lost';
  });
  socket.on('unexpected-response', (_request, { statusCode, headers }) => {
    events.passed?.('upgrade');
    code = statusCode === TOO_MANY_REQUESTS ? 'over-quota' : 'not-admitted';
    const time = Date.parse(headers.date ?? '');
    if (!Number.isNaN(time)) date = new Date(time);
    // With a listener for this event, the listener must close the connection.
    socket.terminate();
  });
  socket.on('message', (data, isBinary) =>
    events.message(isBinary ? plain(data as Buffer<ArrayBuffer>) : String(data)),
  );
  // Ignore the error: every failure also emits `close`.
  socket.on('error', () => {});
  socket.on('close', () => events.closed(new PuenteError(code), date));
  return socket;
}

/** A Uint8Array and not a Buffer: a Buffer's `slice` means something else. */
function plain({ buffer, byteOffset, length }: Buffer<ArrayBuffer>): Bytes {
  return new Uint8Array(buffer, byteOffset, length);
}
