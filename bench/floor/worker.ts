/**
 * The floor: the least cost of any relay on this platform. It pipes a WebSocket to `connect()` and back, with large
 * reads, and without a handshake, crypto, framing or flow control. Use it for measuring only: it connects anybody to
 * any port of this machine.
 */
import { accept, READ_MAX } from './accept.ts';

export default {
  fetch(request: Request): Response {
    const { server, reader, writer, response } = accept(request);
    server.addEventListener('message', ({ data }) => void writer.write(data).catch(() => {}));
    pipe(reader, server).catch(() => server.close());
    return response;
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
