/** A volunteer's own website, on loopback: what a private relay fetches through. */
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';

export interface Site {
  origin: string;
  /** What its requests had: the names of their headers, in lower case; all of the headers' text; `Host`. */
  seen: { names: Set<string>; text: string; hosts: Set<string | undefined> };
  close(): Promise<void>;
}

const HTML = { 'Content-Type': 'text/html; charset=utf-8' };
const GARDEN = '<!doctype html><title>Garden</title><h1>A garden</h1>';

export async function startSite(): Promise<Site> {
  const server = http.createServer((request, response) => {
    site.seen.text += `${request.rawHeaders.join('\n')}\n`;
    site.seen.hosts.add(request.headers.host);
    for (const name of Object.keys(request.headers)) site.seen.names.add(name);
    // The only thing in an answer that varies by itself.
    response.sendDate = false;
    answer(request, response, site.origin);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const site: Site = {
    origin: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    seen: { names: new Set(), text: '', hosts: new Set() },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return site;
}

function answer(request: http.IncomingMessage, response: http.ServerResponse, origin: string): void {
  const { pathname, search } = new URL(`http://site${request.url}`);
  const redirects: Record<string, [status: number, location: string]> = {
    '/here': [301, `/roses${search}`],
    '/beside': [302, 'roses'],
    '/itself': [307, `${origin}/roses${search}#thorns`],
    '/signed-in': [302, `${origin.replace('//', '//bee:honey@')}/roses`],
    '/schemeless': [302, `${origin.replace('http:', '')}/roses`],
    '/away': [302, 'https://elsewhere.example/roses'],
  };
  const redirect = redirects[pathname];
  if (redirect) response.writeHead(redirect[0], { ...HTML, Location: redirect[1] }).end('moved');
  else if (pathname === '/') garden(request, response);
  else if (pathname === '/query') response.end(request.url);
  else if (pathname === '/echo') void echo(request, response);
  else if (pathname === '/empty') response.writeHead(204).end();
  else if (pathname === '/error') response.writeHead(500, HTML).end('<h1>The garden is closed</h1>');
  else response.writeHead(404, HTML).end('<h1>No such flower</h1>');
}

/** As sites do, it does not look at what comes with a GET. */
async function echo(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const body = await text(request);
  response.end(request.method === 'GET' ? 'nothing' : body);
}

function garden({ headers }: http.IncomingMessage, response: http.ServerResponse): void {
  const zipped = headers['accept-encoding']?.includes('gzip');
  const body = zipped ? gzipSync(GARDEN) : Buffer.from(GARDEN);
  response.setHeaders(new Headers({ ...HTML, ETag: '"a"', Vary: 'Accept-Encoding', 'X-Season': 'summer' }));
  response.setHeader('Set-Cookie', ['bee=1', 'fly=2; HttpOnly']);
  if (headers['if-none-match'] === '"a"') return void response.writeHead(304).end();
  if (zipped) response.setHeader('Content-Encoding', 'gzip');
  response.setHeader('Content-Length', body.length).end(body);
}
