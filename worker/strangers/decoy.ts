/**
 * The site that strangers see at a private relay: a site of the volunteer, from a folder or fetched from elsewhere.
 * Without such a site, strangers see exactly the answer of a freshly made Worker.
 */
import { isLoopback } from '../../protocol/permits/link.ts';
import type { Env } from '../env.ts';

export function decoy(request: Request, env: Env): Response | Promise<Response> {
  const site = decoySite(env);
  if (site) return fetchThrough(request, site);
  if (env.ASSETS) return env.ASSETS.fetch(request.headers.has('Upgrade') ? withoutUpgrade(request) : request);
  return new Response('Hello World!');
}

/** The site that `DECOY_URL` names. If it cannot be fetched, `undefined` and no error: there is nobody to tell. */
function decoySite({ DECOY_URL }: Env): URL | undefined {
  if (!DECOY_URL || !URL.canParse(DECOY_URL)) return undefined;
  const url = new URL(DECOY_URL);
  return url.protocol === 'https:' || isLoopback(url.hostname) ? url : undefined;
}

/** Removes `Upgrade`: `fetch` makes a GET of every upgrade, and a folder knows other methods. */
function withoutUpgrade(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.delete('Upgrade');
  return new Request(request, { headers });
}

/** The headers that the site gets, beside method, path and body. No header says who the visitor is. */
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
  const headers = new Headers();
  for (const name of HEADERS) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  try {
    // Copy the request: `fetch` alone takes no body with GET, but anybody can send one, and sites read it.
    const asked = new Request(movedTo(site.origin, request.url), request);
    // Send an empty `cf`: a full `cf` says where the visitor is.
    const answer = await fetch(asked, { headers, redirect: 'manual', cf: {} });
    const response = new Response(answer.body, answer);
    keepHere(response.headers, site.origin, URL.parse(request.url)?.origin ?? '');
    return response;
  } catch {
    return new Response('Bad Gateway', { status: 502 });
  }
}

/** Keeps a redirect within the site here, as at any site that is served from behind another site. */
function keepHere(headers: Headers, site: string, here: string): void {
  const location = headers.get('Location');
  // A stranger can send the site's own name as `Host`, or a name that no URL can have: leave the redirect as it is.
  if (location === null || here === site || !URL.canParse(here)) return;
  // A location without a host stays here unchanged.
  const to = URL.parse(location, here);
  if (to?.origin === site) headers.set('Location', movedTo(here, to.href).href);
}

/** Takes a URL apart (RFC 3986, appendix B). The URL of a request contains `Host` as the client sent it. */
const URL_PARTS = /^[^/]*\/\/[^/]*(\/[^?#]*)(\?[^#]*)?(#.*)?$/s;

/**
 * The same path, query and fragment at another origin. Do not look at the scheme and the host of a request: a stranger
 * chooses them. If no scheme and no host has an answer of its own, the stranger learns nothing. `Hello World!` ignores
 * scheme and host, too.
 */
function movedTo(origin: string, url: string): URL {
  const [, pathname = '/', search = '', hash = ''] = URL_PARTS.exec(url) ?? [];
  // Set the parts, never join their text: if joined, a port becomes a password and a path becomes a host.
  const moved = Object.assign(new URL(origin), { pathname, search, hash });
  // Throw: the answer is then the same as for a site that is down. An answer that only this case has would be a sign.
  if (moved.origin !== origin) throw new TypeError('The URL would lead elsewhere.');
  return moved;
}
