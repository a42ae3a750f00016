/** The beginning of both floors: a WebSocket from the client, and a TCP connection to a port of this machine. */
import { connect } from 'cloudflare:sockets';

/** As large as the tunnel's reads. */
export const READ_MAX = 65_000;

export interface Accepted {
  server: WebSocket;
  reader: ReadableStreamBYOBReader;
  writer: WritableStreamDefaultWriter;
  response: Response;
}

export function accept(request: Request): Accepted {
  const { 0: client, 1: server } = new WebSocketPair();
  server.binaryType = 'arraybuffer';
  server.accept({ allowHalfOpen: true });
  const port = Number(new URL(request.url).pathname.slice(1));
  const backend = connect({ hostname: '127.0.0.1', port }, { secureTransport: 'off', allowHalfOpen: true });
  const writer = backend.writable.getWriter();
  server.addEventListener('close', () => {
    writer.close().catch(() => {});
    backend.close().catch(() => {});
  });
  const reader = backend.readable.getReader({ mode: 'byob' });
  return { server, reader, writer, response: new Response(null, { status: 101, webSocket: client }) };
}
