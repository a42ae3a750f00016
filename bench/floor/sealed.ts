/**
 * The floor with each message sealed by a key that everybody knows, and nothing else: no handshake, framing or flow
 * control. No encrypted tunnel on this platform can save the rest of the difference between this Worker and the floor.
 */
import { accept, READ_MAX } from './accept.ts';

const imported = crypto.subtle.importKey('raw', new Uint8Array(32), 'AES-GCM', false, ['encrypt', 'decrypt']);

export default {
  async fetch(request: Request): Promise<Response> {
    const key = await imported;
    const { server, reader, writer, response } = accept(request);
    const next = nonces();
    server.addEventListener('message', async ({ data }) => {
      const opening = crypto.subtle.decrypt({ name: 'AES-GCM', iv: next() }, key, data);
      await writer.write(new Uint8Array(await opening)).catch(() => {});
    });
    pipe(reader, server, key).catch(() => server.close());
    return response;
  },
};

async function pipe(reader: ReadableStreamBYOBReader, webSocket: WebSocket, key: CryptoKey): Promise<void> {
  const next = nonces();
  let buffer = new ArrayBuffer(READ_MAX);
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(buffer));
    if (done) return webSocket.close();
    // The next read overlaps the seal: `encrypt` has read its input when it returns.
    void crypto.subtle.encrypt({ name: 'AES-GCM', iv: next() }, key, value).then((sealed) => webSocket.send(sealed));
    buffer = value.buffer;
  }
}

function nonces(): () => Uint8Array {
  let counter = 0;
  return () => {
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setUint32(8, counter++);
    return nonce;
  };
}
