/** The site that an open relay shows to visitors. The relay also publishes its key here. */

import type { LanguageVariables } from 'hono/language';
import { Hono } from 'hono/quick';
import { scripts } from '../../dist/page/files.js';
import { toBase64url } from '../../protocol/bytes.ts';
import { VERSION } from '../../protocol/carrier/hello.ts';
import { formatLink, isLoopback, parseLink } from '../../protocol/permits/link.ts';
import type { Config } from '../config.ts';
import { publicCounts } from '../counters/counters.ts';
import type { Env } from '../env.ts';
import { LandingPage } from './pages/landing.tsx';
import { detectLanguage, languageOf } from './pages/language.ts';
import { policyFor } from './pages/policy.ts';
import { SetupPage } from './pages/setup.tsx';

/**
 * Seconds for which a browser may keep a script of the page: a year. The script's name changes with the script's
 * content.
 */
const SCRIPT_AGE = 31_536_000;

/** A relay that works: its settings, and the environment that holds its counts. Any other relay: its problem. */
export type Site = { config: Config; env: Env } | { problem: string };

interface Variables extends LanguageVariables {
  /** The relay's own URL, in the form that links have. */
  url: string;
}

/**
 * Finds the page that a request asks for. A route may lead to the relay from a path, and nothing tells the relay which
 * path.
 */
const PAGE = /\/\.well-known\/puente$|\/[^/]*$/;

const app = new Hono<{ Bindings: Site; Variables: Variables }>({
  getPath: ({ url }) => PAGE.exec(url.replace(/[?#].*/s, ''))?.[0] ?? '',
});

app.use(async (c, next) => {
  const url = urlOf(c.req.url, c.req.path);
  if (!url) return c.notFound();
  c.set('url', url);
  return next();
});

app.use(async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(policyFor(new URL(c.get('url')).origin))) c.header(name, value);
});

app.use(async (c, next) => {
  if (!('problem' in c.env)) return next();
  return c.req.path === '/' ? c.html(<SetupPage problem={c.env.problem} />, 503) : c.notFound();
});

app.get('/', detectLanguage, async (c) => {
  const { config, env } = relayOf(c.env);
  const { keys, backends } = config;
  const url = c.get('url');
  c.header('Vary', 'Accept-Language');
  // The page has the key, which may change.
  c.header('Cache-Control', 'no-cache');
  return c.html(
    <LandingPage
      link={formatLink({ url, key: keys[0].publicKey })}
      address={url}
      backends={backends}
      counts={await publicCounts(env, config)}
      language={languageOf(c.get('language'))}
    />,
  );
});

app.get('/.well-known/puente', (c) => {
  c.header('Access-Control-Allow-Origin', '*');
  c.header('Cache-Control', 'no-cache');
  return c.json({ version: VERSION, key: toBase64url(relayOf(c.env).config.keys[0].publicKey) });
});

// A script's name changes with the script's content.
for (const [name, script] of Object.entries(scripts))
  app.get(`/${name}`, (c) => {
    c.header('Content-Type', 'text/javascript; charset=utf-8');
    c.header('Cache-Control', `public, max-age=${SCRIPT_AGE}, immutable`);
    return c.body(script);
  });

/**
 * The relay's URL, from a request for one of its pages. Returns `undefined` for a name or a path that no link can have,
 * though a wildcard may answer to the name. Such a name could mean something else in a command or a policy.
 */
function urlOf(requested: string, page: string): string | undefined {
  const asked = URL.parse(requested);
  if (!asked) return undefined;
  // A page that was opened by http: still shows an https: link, which clients take.
  const protocol = isLoopback(asked.hostname) ? asked.protocol : 'https:';
  try {
    return parseLink(`${protocol}//${asked.host}${asked.pathname.slice(0, -page.length)}/`).url;
  } catch {
    return undefined;
  }
}

function relayOf(site: Site) {
  if ('problem' in site) throw new TypeError('a relay with a problem has no settings');
  return site;
}

export const site = (request: Request, of: Site) => app.fetch(request, of);
