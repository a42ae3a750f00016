import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';
import type { Bytes } from '../../protocol/bytes.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { RECORD_MAX } from '../../protocol/limits.ts';
import type { Dial } from '../runtime.ts';
import { Way } from './way.ts';

/** The latest TLS ticket of each host: with one a handshake takes 3 KB less. */
const tickets = new Map<string, Buffer>();

const LATE: NodeJS.ErrnoException = Object.assign(new Error('too late'), { code: 'ETIMEDOUT' });

/** What `ws` passes on to `tls.connect` and `net.connect`, and its types do not say. */
interface Unlisted {
  lookup: LookupFunction;
  session: Buffer | undefined;
}

/**
 * A dialer with `ws`: unlike a browser, it sees where the way ends, and how a host refuses.
 * @param options.lookup the resolver, as for `net.connect`; default: the system's
 */
export function dialWith({ lookup = systemLookup }: { lookup?: LookupFunction }): Dial {
  return (url, protocols, events, thrifty) => {
    const to = new URL(url);
    const way = new Way(to, (stage) => events.passed?.(stage));
    const options: ClientOptions & Unlisted = {
      perMessageDeflate: false,
      maxPayload: RECORD_MAX,
      // A ticket links its connection to the one before it, so none is used without need.
      session: thrifty ? tickets.get(to.host) : undefined,
      lookup: way.through(lookup),
      finishRequest(request) {
        request.on('socket', (tcp) => {
          way.follow(tcp, () => request.destroy(LATE));
          tcp.on('session', (ticket: Buffer) => tickets.set(to.host, ticket));
        });
        request.end();
      },
    };
    const socket = new WebSocket(to, protocols, options);
    let code: Code | undefined;
    let date: Date | undefined;
    socket.on('open', () => {
      way.answered();
      events.passed?.('hello');
      code = 'carrier-lost';
    });
    socket.on('unexpected-response', (_request, { statusCode, headers }) => {
      way.answered();
      code = statusCode === TOO_MANY_REQUESTS ? 'over-quota' : 'not-admitted';
      const time = Date.parse(headers.date ?? '');
      if (!Number.isNaN(time)) date = new Date(time);
      // With a listener for this, closing is the listener's business.
      socket.terminate();
    });
    socket.on('message', (data, isBinary) =>
      events.message(isBinary ? plain(data as Buffer<ArrayBuffer>) : String(data)),
    );
    // Every failure also closes.
    socket.on('error', (error) => {
      code ??= way.failure(error);
    });
    socket.on('close', () => events.closed(new PuenteError(code ?? 'unreachable'), date));
    return {
      send(message) {
        if (socket.readyState === WebSocket.OPEN) socket.send(message);
      },
      close: () => socket.close(1000),
    };
  };
}

/** With the system's resolver. */
export const dial = dialWith({});

/** What Cloudflare answers for an account that has used up its day's requests. */
const TOO_MANY_REQUESTS = 429;

/** Not a Buffer, whose `slice` means something else. */
function plain({ buffer, byteOffset, length }: Buffer<ArrayBuffer>): Bytes {
  return new Uint8Array(buffer, byteOffset, length);
}
