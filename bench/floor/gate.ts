/**
 * The ordinary Worker, with only the least cost of any gate. It reads a header, and makes one HMAC over the header with
 * a key that it already has.
 */
import { Hono } from 'hono';

const OFFER = /^[\w-]{16,111}, [\w-]{66,}$/;

let key: Promise<CryptoKey> | undefined;

function keyOnce(): Promise<CryptoKey> {
  key ??= crypto.subtle.importKey('raw', new Uint8Array(32), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return key;
}

const app = new Hono();

app.use(async (c, next) => {
  const offer = c.req.header('Upgrade') === 'websocket' ? (c.req.header('Sec-WebSocket-Protocol') ?? '') : '';
  if (OFFER.test(offer)) await crypto.subtle.sign('HMAC', await keyOnce(), new TextEncoder().encode(offer));
  return next();
});

app.all('*', (c) => c.text('Hello World!'));

export default app;
