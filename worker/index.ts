/**
 * The relay. A WebSocket upgrade with a valid hello becomes a carrier; to everything else this is an ordinary small
 * website.
 */
import { Hono } from 'hono';
import { toBase64url } from '../protocol/bytes.ts';
import { PuenteError } from '../protocol/errors.ts';
import { VERSION } from '../protocol/hello.ts';
import { formatLink, isLoopback } from '../protocol/link.ts';
import { admit } from './admission.ts';
import { type Config, configOf } from './config.ts';
import type { Env } from './env.ts';
import { landingPage } from './pages/landing.ts';
import { setupPage } from './pages/setup.ts';
import { relay } from './relay.ts';

const app = new Hono<{ Bindings: Env; Variables: { config: Config } }>();

app.use(async (c, next) => {
  try {
    c.set('config', await configOf(c.env));
  } catch (error) {
    if (!(error instanceof PuenteError)) throw error;
    return c.req.path === '/' ? c.html(setupPage(error.message), 503) : c.notFound();
  }
  const admitted = await admit(c.req.raw, c.var.config);
  if (!admitted) return next();
  const { 0: client, 1: server } = new WebSocketPair();
  // Both before the first event: Blobs would have to be awaited, and a close must not be answered behind our back.
  server.binaryType = 'arraybuffer';
  server.accept({ allowHalfOpen: true });
  // Beyond the WebSocket's end: what a client wrote before it left is still on its way to the backend.
  c.executionCtx.waitUntil(relay(server, admitted, c.var.config.backends));
  return new Response(null, {
    status: 101,
    headers: { 'Sec-WebSocket-Protocol': admitted.token },
    webSocket: client,
  });
});

app.get('/', (c) => {
  const { protocol, host, hostname } = new URL(c.req.url);
  // A page that was opened by http: still shows a link that clients take.
  const origin = `${isLoopback(hostname) ? protocol : 'https:'}//${host}/`;
  return c.html(landingPage(formatLink({ origin, key: c.var.config.key.publicKey })));
});

app.get('/.well-known/puente', (c) => {
  c.header('Access-Control-Allow-Origin', '*');
  return c.json({ version: VERSION, key: toBase64url(c.var.config.key.publicKey) });
});

export default app;
