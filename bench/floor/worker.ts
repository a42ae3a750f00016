/**
 * The floor: what any relay on this platform costs at least. A WebSocket piped to `connect()` and back, with large
 * reads, and without a handshake, crypto, framing or flow control. Only for measuring: it connects anybody to any port
 * of this machine.
 */
import { connect } from 'cloudflare:sockets';

/** As large as the tunnel's. */
const READ_MAX = 65_000;

export default {
  fetch(request: Request): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    server.binaryType = 'arraybuffer';
    server.accept({ allowHalfOpen: true });
    const port = Number(new URL(request.url).pathname.slice(1));
    const backend = connect({ hostname: '127.0.0.1', port }, { secureTransport: 'off', allowHalfOpen: true });
    const writer = backend.writable.getWriter();
    server.addEventListener('message', ({ data }) => void writer.write(data).catch(() => {}));
    server.addEventListener('close', () => {
      writer.close().catch(() => {});
      backend.close().catch(() => {});
    });
    pipe(backend.readable.getReader({ mode: 'byob' }), server).catch(() => server.close());
    return new Response(null, { status: 101, webSocket: client });
  },
};

async function pipe(reader: ReadableStreamBYOBReader, webSocket: WebSocket): Promise<void> {
  let buffer = new ArrayBuffer(READ_MAX);
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(buffer));
    if (done) return webSocket.close();
    webSocket.send(value);
    buffer = value.buffer;
  }
}
