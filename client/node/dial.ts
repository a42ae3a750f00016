import { type ClientOptions, WebSocket } from 'ws';
import type { Bytes } from '../../protocol/bytes.ts';
import { PuenteError } from '../../protocol/errors.ts';
import { RECORD_MAX } from '../../protocol/limits.ts';
import type { Dial } from '../runtime.ts';

/** The latest TLS ticket of each host: with one a handshake takes 3 KB less. */
const tickets = new Map<string, Buffer>();

/** Opens a carrier with `ws`: unlike a browser, it sees how a host refuses. */
export const dial: Dial = (url, protocols, events, thrifty) => {
  const { host } = new URL(url);
  const options: ClientOptions & { session?: Buffer | undefined } = {
    perMessageDeflate: false,
    maxPayload: RECORD_MAX,
    // A ticket links its connection to the one before it, so none is used without need.
    session: thrifty ? tickets.get(host) : undefined,
    finishRequest(request) {
      request.on('socket', (tcp) => tcp.on('session', (ticket: Buffer) => tickets.set(host, ticket)));
      request.end();
    },
  };
  const socket = new WebSocket(url, protocols, options);
  let failure = new PuenteError('unreachable');
  let date: Date | undefined;
  socket.on('open', () => {
    failure = new PuenteError('carrier-lost');
  });
  socket.on('unexpected-response', (_request, response) => {
    failure = new PuenteError('not-admitted');
    const time = Date.parse(response.headers.date ?? '');
    if (!Number.isNaN(time)) date = new Date(time);
    // With a listener for this, closing is the listener's business.
    socket.terminate();
  });
  socket.on('message', (data, isBinary) =>
    events.message(isBinary ? plain(data as Buffer<ArrayBuffer>) : String(data)),
  );
  // Every failure also closes; unheard, 'error' would be thrown.
  socket.on('error', () => {});
  socket.on('close', () => events.closed(failure, date));
  return {
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(message);
    },
    close: () => socket.close(1000),
  };
};

/** Not a Buffer, whose `slice` means something else. */
function plain({ buffer, byteOffset, length }: Buffer<ArrayBuffer>): Bytes {
  return new Uint8Array(buffer, byteOffset, length);
}
