/**
 * The ways to the server: through a relay, or straight to its WebSocket port. Both ways are streams of bytes with the
 * interface of Puente's sockets.
 */
import { PuenteError, type Socket } from 'puente';
import { type Bytes, bytesOf } from 'puente/bytes';

export type ByteStream = Pick<Socket, 'readable' | 'writable' | 'opened'>;

/**
 * Bytes. A browser cannot read a WebSocket more slowly. When the page does not keep up, it gives the WebSocket up and
 * asks again.
 */
const UNREAD_MAX = 4 * 1024 * 1024;

/** @throws SyntaxError when `url` is no URL of a WebSocket */
export function openWebSocket(url: string): ByteStream {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  // On a path that swallows everything, the WebSocket's own `close` event comes up to a minute after the call of
  // `close`.
  const over = new AbortController();
  const close = (): void => {
    socket.close();
    over.abort();
  };
  socket.addEventListener('close', () => over.abort());
  const opened = new Promise<{ remoteAddress: string }>((resolve, reject) => {
    socket.addEventListener('open', () => resolve({ remoteAddress: new URL(url).host }));
    // A browser does not say the reason.
    over.signal.addEventListener('abort', () => reject(new PuenteError('backend-down')));
  });
  const readable = new ReadableStream<Bytes>(
    {
      start(controller) {
        socket.addEventListener('message', ({ data }) => {
          const bytes = bytesOf(data);
          if (bytes && (controller.desiredSize ?? 0) > 0) controller.enqueue(bytes);
          else close();
        });
        over.signal.addEventListener('abort', () => controller.error(new PuenteError('backend-reset')));
      },
      cancel: close,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: UNREAD_MAX }),
  );
  const writable = new WritableStream<ArrayBuffer | ArrayBufferView<ArrayBuffer>>({
    async start(controller) {
      // The stream's own `abort` waits for the opening, and the opening may be the part that hangs.
      controller.signal.addEventListener('abort', close);
      await opened;
    },
    write: (chunk) => socket.send(chunk),
    close,
  });
  return { readable, writable, opened };
}

/** Reads a stream in pieces, for browsers whose streams are no async iterables. */
export async function* piecesOf(readable: ReadableStream<Bytes>): AsyncGenerator<Bytes> {
  const reader = readable.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
}
