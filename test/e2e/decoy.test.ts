/** A private relay in front of a site of the volunteer's own: what visitors get of the site, and the site of them. */
import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Offer, PrivateRelay } from '../support/fixtures/private-relay.ts';
import { exchange, HOST, offering, requestOf, UPGRADE } from '../support/network/exchange.ts';
import { misleading, misled } from '../support/network/misleading.ts';
import { type Backend, startBackend } from '../support/servers/backend.ts';
import { fetchingThrough, relay, type Served } from '../support/servers/decoys.ts';
import { type Site, startSite } from '../support/servers/site.ts';

/** Requests that are made up: a few seconds. */
const RUNS = 400;

const of = new PrivateRelay('127.0.0.1:9', '127.0.0.1:9');

let site: Site;
let served: Served;

beforeAll(async () => {
  site = await startSite();
  served = await relay(inject('worker'), { ...of.vars, DECOY_URL: `${site.origin}/ignored` });
});

afterAll(async () => {
  await served.stop();
  await site.close();
});

/** Of this connection, not of the site. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding']);

interface Asked {
  method?: string;
  path?: string;
  headers?: http.OutgoingHttpHeaders;
  body?: string;
}

/** Everything of an answer that a visitor sees. */
async function ask(port: number, { method = 'GET', path = '/', headers, body }: Asked) {
  const request = http.request({ port, host: '127.0.0.1', method, path, headers: { Host: HOST, ...headers } });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const { statusCode: status, statusMessage: reason, headersDistinct } = response;
  const kept = Object.entries(headersDistinct).filter(([name]) => !HOP_BY_HOP.has(name));
  return { status, reason, headers: Object.fromEntries(kept), body: await text(response.setEncoding('latin1')) };
}

const sitePort = () => Number(new URL(site.origin).port);

describe('the site that is fetched through', () => {
  it.each<[string, Asked]>([
    ['a page', {}],
    ['a page that is compressed', { headers: { 'Accept-Encoding': 'gzip, deflate, br' } }],
    ['a page that has not changed', { headers: { 'If-None-Match': '"a"' } }],
    ['the head of a page', { method: 'HEAD' }],
    ['a query', { path: '/query?a=b&c=%20' }],
    ['an empty query', { path: '/query?' }],
    ['a form', { method: 'POST', path: '/echo', headers: { 'Content-Type': 'text/plain' }, body: 'abc' }],
    ['a GET with a body', { path: '/echo', headers: { 'Content-Length': 3 }, body: 'abc' }],
    ['nothing', { path: '/empty' }],
    ['a page that is not there', { path: '/none' }],
    ['the path where open relays publish their key', { path: '/.well-known/puente' }],
    ['an error', { path: '/error' }],
    ['a redirect to a path', { path: '/here?a' }],
    ['a redirect beside', { path: '/beside' }],
    ['a redirect to elsewhere', { path: '/away' }],
  ])('answers as it does itself: %s', async (_, asked) => {
    expect(await ask(served.port, asked)).toEqual(await ask(sitePort(), asked));
  });

  const TO_ITSELF = ['/itself?a', '/schemeless', '/signed-in'];

  it.each(TO_ITSELF)('redirects to itself at its visitor’s address: %s', async (path) => {
    const [own, ours] = [await ask(sitePort(), { path }), await ask(served.port, { path })];
    const [location = ''] = own.headers.location ?? [];
    expect(location).toContain(new URL(site.origin).host);
    const here = location.replace(/^(http:)?\/\/[^/]*/, `http://${HOST}`);
    expect(ours).toEqual({ ...own, headers: { ...own.headers, location: [here] } });
  });

  it.each(['/here?a', '/beside', ...TO_ITSELF])('redirects who calls it by its own name: %s', async (path) => {
    const asked = { path, headers: { Host: new URL(site.origin).host } };
    expect(await ask(served.port, asked)).toEqual(await ask(sitePort(), asked));
  });

  it('learns nothing of who asks, be it a page or an upgrade', async () => {
    const telling = {
      'User-Agent': 'telling',
      Cookie: 'telling=1',
      Authorization: 'Basic dGVsbGluZw==',
      Referer: 'https://telling.example/',
      Origin: 'https://telling.example',
      Forwarded: 'for=192.0.2.1',
      'X-Forwarded-For': '192.0.2.1',
      'X-Real-IP': '192.0.2.1',
      'CF-Connecting-IP': '192.0.2.1',
      'CF-Ray': 'telling',
      'CF-IPCountry': 'XX',
      'Sec-Fetch-Mode': 'navigate',
      'Sec-CH-UA': '"telling"',
      'Sec-GPC': '1',
      DNT: '1',
      'X-Anything': 'telling',
      Accept: 'text/html',
      'Accept-Language': 'fa',
      'Accept-Encoding': 'gzip',
      Range: 'bytes=0-',
    };
    site.seen.names.clear();
    site.seen.text = '';
    const lines = Object.entries(telling).map(([name, value]) => `${name}: ${value}`);
    const offer = await (of.strangers()['a stale hello'] as Offer)();
    await exchange(served.port, requestOf('GET / HTTP/1.1', lines));
    await exchange(served.port, requestOf('GET / HTTP/1.1', [...lines, ...UPGRADE, ...offering(offer)]));
    await exchange(served.port, requestOf('POST / HTTP/1.1', [...lines, 'Content-Length: 0']));
    const allowed = 'accept accept-encoding accept-language connection content-length host range'.split(' ');
    expect([...site.seen.names].filter((name) => !allowed.includes(name))).toEqual([]);
    expect(site.seen.text).not.toMatch(/telling|192\.0\.2\.1|websocket|upgrade|site\.example/i);
  });
});

describe('whatever a request says of a host', () => {
  let reference: Served;
  let victim: Backend;
  beforeAll(async () => {
    reference = await fetchingThrough(inject('worker'), { DECOY_URL: site.origin });
    victim = await startBackend((socket) => socket.destroy());
  });
  afterAll(async () => {
    await Promise.all([reference.stop(), victim.close()]);
  });

  it('nobody but the site is asked, and it answers as alone', async () => {
    const { host } = new URL(site.origin);
    let answered = 0;
    const property = fc.asyncProperty(misleading(host, victim.address), async (request) => {
      victim.accepted = 0;
      site.seen.hosts.clear();
      const answer = await exchange(served.port, request);
      expect(victim.accepted).toBe(0);
      expect([...site.seen.hosts].filter((name) => name !== host)).toEqual([]);
      // What else was asked, but could not be reached.
      expect(answer).not.toMatch(/^HTTP\/1.1 502 /);
      expect(answer).toBe(await exchange(reference.port, request));
      if (/^HTTP\/1.1 (200|404) /.test(answer)) answered += 1;
    });
    // Where the text of a URL is cut by the length of another's origin, this leads to the victim.
    const known = misled('POST /secret HTTP/1.1', [`${'a'.repeat(23)}@${victim.address}`]);
    await fc.assert(property, { numRuns: RUNS, examples: [[known]] });
    expect(answered).toBeGreaterThan(RUNS / 4);
  });
});

it('a site that is down is a bad gateway, whoever asks', async () => {
  const vars = { DECOY_URL: 'http://127.0.0.1:1' };
  const [down, reference] = await Promise.all([
    relay(inject('worker'), { ...of.vars, ...vars }),
    fetchingThrough(inject('worker'), vars),
  ]);
  const offer = await (of.strangers()['a revoked invite'] as Offer)();
  for (const request of [
    requestOf('GET / HTTP/1.1'),
    requestOf('POST / HTTP/1.1', ['Content-Length: 3'], 'abc'),
    requestOf('GET / HTTP/1.1', [...UPGRADE, ...offering(offer)]),
  ]) {
    const answer = await exchange(down.port, request);
    expect(answer).toMatch(/^HTTP\/1.1 502 Bad Gateway\r\n/);
    expect(answer).toBe(await exchange(reference.port, request));
  }
  await Promise.all([down.stop(), reference.stop()]);
});
