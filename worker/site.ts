/** What an open relay says to visitors, and how it publishes its key. */
import { Hono } from 'hono';
import { toBase64url } from '../protocol/bytes.ts';
import { VERSION } from '../protocol/hello.ts';
import { formatLink, isLoopback } from '../protocol/link.ts';
import type { Config } from './config.ts';
import { landingPage } from './pages/landing.ts';
import { setupPage } from './pages/setup.ts';

/** Of a relay that works, its settings; of another, what is wrong with them. */
export type Site = { config: Config } | { problem: string };

const app = new Hono<{ Bindings: Site }>();

app.use(async (c, next) => {
  if (!('problem' in c.env)) return next();
  return c.req.path === '/' ? c.html(setupPage(c.env.problem), 503) : c.notFound();
});

app.get('/', (c) => {
  const { protocol, host, hostname } = new URL(c.req.url);
  // A page that was opened by http: still shows a link that clients take.
  const origin = `${isLoopback(hostname) ? protocol : 'https:'}//${host}/`;
  return c.html(landingPage(formatLink({ origin, key: keyOf(c.env) })));
});

app.get('/.well-known/puente', (c) => {
  c.header('Access-Control-Allow-Origin', '*');
  return c.json({ version: VERSION, key: toBase64url(keyOf(c.env)) });
});

function keyOf(site: Site) {
  if ('problem' in site) throw new TypeError('a relay with a problem has no key');
  return site.config.keys[0].publicKey;
}

export const site = (request: Request, of: Site) => app.fetch(request, of);
