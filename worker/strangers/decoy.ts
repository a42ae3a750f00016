/**
 * What a private relay is to strangers: a site of the volunteer's own, from a folder or fetched through from elsewhere;
 * otherwise exactly what a freshly made Worker is.
 */
import { isLoopback } from '../../protocol/permits/link.ts';
import type { Env } from '../env.ts';

export function decoy(request: Request, env: Env): Response | Promise<Response> {
  const site = decoySite(env);
  if (site) return fetchThrough(request, site);
  if (env.ASSETS) return env.ASSETS.fetch(request.headers.has('Upgrade') ? withoutUpgrade(request) : request);
  return new Response('Hello World!');
}

/** What `DECOY_URL` names; `undefined` where that is nothing that can be fetched, as there is nobody to tell. */
function decoySite({ DECOY_URL }: Env): URL | undefined {
  if (!DECOY_URL || !URL.canParse(DECOY_URL)) return undefined;
  const url = new URL(DECOY_URL);
  return url.protocol === 'https:' || isLoopback(url.hostname) ? url : undefined;
}

/** Of every upgrade `fetch` makes a GET, and a folder knows other methods. */
function withoutUpgrade(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.delete('Upgrade');
  return new Request(request.url, asSent(request, headers));
}

function asSent({ method, body }: Request, headers: Headers): RequestInit {
  // Anybody can send a body with a GET, and sites ignore it; `fetch` would throw.
  const isRead = method !== 'GET' && method !== 'HEAD';
  return { method, headers, body: isRead ? body : null, redirect: 'manual' };
}

/** All that the site learns of a visitor beside method, path and body. None of it says who that is. */
const HEADERS = [
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Content-Type',
  'If-Modified-Since',
  'If-None-Match',
  'If-Range',
  'Range',
];

async function fetchThrough(request: Request, site: URL): Promise<Response> {
  const { origin, href } = new URL(request.url);
  const headers = new Headers();
  for (const name of HEADERS) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  try {
    const answer = await fetch(site.origin + href.slice(origin.length), asSent(request, headers));
    const response = new Response(answer.body, answer);
    keepHere(response.headers, site, origin);
    return response;
  } catch {
    return new Response('Bad Gateway', { status: 502 });
  }
}

/** A redirect within the site stays within this one, as at any site that is served from behind another. */
function keepHere(headers: Headers, site: URL, here: string): void {
  const location = headers.get('Location');
  // One that names no host stays here as it is.
  if (location === null || !URL.canParse(location, here)) return;
  const { origin, href } = new URL(location, here);
  if (origin === site.origin) headers.set('Location', here + href.slice(origin.length));
}
