/**
 * The relay. A WebSocket upgrade with a valid hello becomes a carrier; to everything else this is an ordinary small
 * website.
 */
import { type Context, Hono } from 'hono';
import { toBase64url } from '../protocol/bytes.ts';
import { PuenteError } from '../protocol/errors.ts';
import { VERSION } from '../protocol/hello.ts';
import { formatLink, isLoopback } from '../protocol/link.ts';
import { type Admitted, admit } from './admission.ts';
import { type Config, configOf } from './config.ts';
import type { Env } from './env.ts';
import { hubFor } from './hubs.ts';
import { landingPage } from './pages/landing.ts';
import { setupPage } from './pages/setup.ts';
import { relay } from './relay.ts';
import { Replays } from './replays.ts';
import { answer } from './wire.ts';

export { Hub } from './hub.ts';

interface App {
  Bindings: Env;
  Variables: { config: Config };
}

const app = new Hono<App>();

app.use(async (c, next) => {
  try {
    c.set('config', await configOf(c.env));
  } catch (error) {
    if (!(error instanceof PuenteError)) throw error;
    return c.req.path === '/' ? c.html(setupPage(error.message), 503) : c.notFound();
  }
  const admitted = await admit(c.req.raw, c.var.config);
  if (!admitted) return next();
  const hub = hubFor(admitted, c.var.config.hubs, c.env.HUB);
  const response = hub ? await inHub(c, admitted, hub) : here(c, admitted);
  return response ?? next();
});

const replays = new Replays();

/** A plain session, in this invocation. `undefined` for a replay. */
function here(c: Context<App>, admitted: Admitted): Response | undefined {
  if (!replays.isNew(admitted.handshake)) return undefined;
  const { response, ended } = answer(admitted, (wire) => relay(wire, admitted, c.var.config.backends));
  // Beyond the WebSocket's end: what a client wrote before it left is still on its way to the backend.
  c.executionCtx.waitUntil(ended);
  return response;
}

/** A session that outlives its carriers. The hub opens the hello again: it trusts no header. */
async function inHub(c: Context<App>, admitted: Admitted, hub: Fetcher): Promise<Response | undefined> {
  try {
    const response = await hub.fetch(c.req.raw);
    return response.status === 101 ? response : undefined;
  } catch {
    // It is overloaded, or being moved.
    const { response, ended } = answer(admitted, () => Promise.reject(new PuenteError('full')));
    c.executionCtx.waitUntil(ended);
    return response;
  }
}

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
