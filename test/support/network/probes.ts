/** The matrix of a censor's probes: methods, paths, upgrades, subprotocols, and HTTP at its edges. */
import { entry } from '../../../dist/page/files.js';
import type { Offer } from '../fixtures/private-relay.ts';
import { exchange, offering, requestOf, UPGRADE } from './exchange.ts';

export interface Probe {
  name: string;
  request: () => Promise<string>;
}

const METHODS = 'HEAD POST PUT PATCH DELETE OPTIONS TRACE PURGE PROPFIND get Get FOO'.split(' ');

/** With every method; the others with GET. */
const PATHS = ['/', '/roses', '/none', '/.well-known/puente', '/here', '/error', '*'];
const MORE_PATHS = [
  ...['/?', '/?a=b&c', '/index.html', '/roses.html?a', '/style.css', '/favicon.ico', '/.well-known/', '/hub'],
  // What an open relay answers.
  ...['/?lang=fa', `/${entry}`],
  ...['/old', '/beside', '/itself', '/away', '/empty'],
  ...['//double', '/..%2fup', '/%2e%2e/up', '/./a/../b', '/%ff', '/%', '/a b', '/a#b', '/a\\b', '/\xe9', 'none'],
  ...[`/${'long'.repeat(1000)}`, 'http://site.example/roses', 'http://elsewhere.example/roses', '/roses;a=b'],
];

/** Upgrades that RFC 6455 has nothing against, or that are broken in a way which is only looked at for a 101. */
const ODD_UPGRADES: Record<string, readonly string[]> = {
  'an upgrade in other letters': UPGRADE.map((line) => line.toLowerCase()),
  'an upgrade without a key': without('Sec-WebSocket-Key'),
  'an upgrade with a short key': [...without('Sec-WebSocket-Key'), 'Sec-WebSocket-Key: c2hvcnQ='],
  'an upgrade of version 12': [...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 12'],
  'an upgrade without Connection': without('Connection'),
  'an upgrade with extensions': [...UPGRADE, 'Sec-WebSocket-Extensions: permessage-deflate'],
};

/** One for each of the checks that a hello can fail: first, last, and between. */
const AMONG_STRANGERS = new Set([
  'no subprotocol',
  'a random hello',
  'a payload that ends early',
  'a stale hello',
  'a revoked invite',
  'a replay',
]);

/** What is no upgrade, so that not even a hello makes one of it. */
const NO_UPGRADES: Record<string, readonly string[]> = {
  'no upgrade': [],
  'a key alone': without('Upgrade', 'Connection'),
  h2c: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
  'two protocols': [...without('Upgrade'), 'Upgrade: websocket, h2c'],
  'two upgrades': [...UPGRADE, 'Upgrade: h2c'],
};

function without(...names: string[]): string[] {
  return UPGRADE.filter((line) => !names.some((name) => line.startsWith(`${name}:`)));
}

const BODIES: Record<string, [headers: string[], body: string]> = {
  'a body': [['Content-Length: 3', 'Content-Type: text/plain'], 'abc'],
  'a body in chunks': [['Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n'],
  'a large body': [['Content-Length: 40000'], 'x'.repeat(40_000)],
  'a body that is waited for': [['Expect: 100-continue', 'Content-Length: 3'], 'abc'],
  'a length that is none': [['Content-Length: three'], ''],
  'two lengths': [['Content-Length: 3', 'Content-Length: 4'], 'abc'],
};

const HEADERS: Record<string, string[]> = {
  'a long header': [`X-Long: ${'y'.repeat(60_000)}`],
  'too long a header': [`X-Long: ${'y'.repeat(600_000)}`],
  'many headers': Array.from({ length: 300 }, (_, at) => `X-${at}: ${at}`),
  'a folded header': ['X-Folded: a', ' b'],
  'a header without a name': [': a'],
  'a header without a colon': ['X-None'],
  'a header in Latin-1': ['X-Latin: \xe9'],
  'two hosts': ['Host: elsewhere.example'],
  conditions: ['If-None-Match: "a"', 'If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT'],
  'a range': ['Range: bytes=2-5'],
  encodings: ['Accept-Encoding: gzip, br', 'Accept: text/html', 'Accept-Language: fa'],
  'a cross-origin question': ['Origin: https://elsewhere.example', 'Access-Control-Request-Method: POST'],
};

/** Names that nobody reaches the relay by, but can send. */
const HOSTS = [
  ...['elsewhere.example', 'site.example:8080', 'SITE.EXAMPLE.', '127.0.0.1', '[::1]:80', '', '/', 'a b', '[::1', ':0'],
  ...['user:password@elsewhere.example', 'aaaaaaaaaaaaaaaaaaaaaaa@127.0.0.1:9200', 'site.example@elsewhere.example'],
];

const LINES: Record<string, string> = {
  'HTTP/1.0': requestOf('GET / HTTP/1.0'),
  'HTTP/1.0 kept alive': requestOf('GET / HTTP/1.0', ['Connection: keep-alive']),
  'HTTP/1.2': requestOf('GET / HTTP/1.2'),
  'HTTP/0.9': 'GET /\r\n\r\n',
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'no version': requestOf('GET /'),
  'two spaces': requestOf('GET  /  HTTP/1.1'),
  'empty lines before': `\r\n\r\n${requestOf('GET / HTTP/1.1')}`,
  'lone line feeds': requestOf('GET / HTTP/1.1').replaceAll('\r\n', '\n'),
  'no host': 'GET / HTTP/1.1\r\n\r\n',
  'a tunnel': requestOf('CONNECT elsewhere.example:443 HTTP/1.1'),
  TLS: '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n',
  nothing: '\r\n\r\n',
};

/** Methods, paths and HTTP at its edges: what nobody would take for a hello. */
export function ordinary(refused: Offer): Probe[] {
  const lines = [
    ...[...PATHS, ...MORE_PATHS].map((path) => `GET ${path} HTTP/1.1`),
    ...METHODS.flatMap((method) => PATHS.map((path) => `${method} ${path} HTTP/1.1`)),
  ];
  return [...lines.map((line) => ({ name: line, request: async () => requestOf(line) })), ...edges(refused)];
}

/**
 * Upgrades, and what is almost one.
 * @param strangers subprotocols that nobody is admitted for
 * @param valid ones that somebody is, in an upgrade
 */
export function upgrades(strangers: Record<string, Offer>, valid: Offer): Probe[] {
  const some = Object.fromEntries(Object.entries(strangers).filter(([what]) => AMONG_STRANGERS.has(what)));
  return [
    ...offered('an upgrade', '/', UPGRADE, strangers),
    ...offered('an upgrade elsewhere', '/.well-known/puente', UPGRADE, strangers),
    ...Object.entries(ODD_UPGRADES).flatMap(([name, lines]) => offered(name, '/', lines, some)),
    ...Object.entries(NO_UPGRADES).flatMap(([name, lines]) =>
      offered(name, '/', lines, { 'no hello': async () => undefined, 'a hello': valid }),
    ),
  ];
}

function offered(name: string, path: string, lines: readonly string[], offers: Record<string, Offer>): Probe[] {
  return Object.entries(offers).map(([what, offer]) => ({
    name: `${name} with ${what}`,
    request: async () => requestOf(`GET ${path} HTTP/1.1`, [...lines, ...offering(await offer())]),
  }));
}

/** Hellos that would be admitted, were they sent with GET. */
export function otherMethods(valid: Offer): Probe[] {
  return METHODS.map((method) => ({
    name: `${method}, an upgrade with a hello`,
    request: async () => requestOf(`${method} / HTTP/1.1`, [...UPGRADE, ...offering(await valid())]),
  }));
}

const called = (host: string, headers: readonly string[] = []) =>
  ['GET / HTTP/1.1', `Host: ${host}`, ...headers, '', ''].join('\r\n');

/** Each alone, and in an upgrade with a hello that is refused. */
function edges(offer: Offer): Probe[] {
  const refused = async () => [...UPGRADE, ...offering(await offer())];
  const bodies = Object.entries(BODIES).flatMap(([name, [headers, body]]) => [
    ...['GET', 'HEAD', 'POST'].map((method) => ({
      name: `${method} with ${name}`,
      request: async () => requestOf(`${method} /echo HTTP/1.1`, headers, body),
    })),
    {
      name: `an upgrade with ${name}`,
      request: async () => requestOf('GET / HTTP/1.1', [...headers, ...(await refused())], body),
    },
  ]);
  const headers = Object.entries(HEADERS).flatMap(([name, lines]) => [
    { name: `GET with ${name}`, request: async () => requestOf('GET / HTTP/1.1', lines) },
    {
      name: `an upgrade with ${name}`,
      request: async () => requestOf('GET / HTTP/1.1', [...lines, ...(await refused())]),
    },
  ]);
  const hosts = HOSTS.flatMap((host) => [
    { name: `GET by the host ${host}`, request: async () => called(host) },
    { name: `an upgrade by the host ${host}`, request: async () => called(host, await refused()) },
  ]);
  const lines = Object.entries(LINES).map(([name, request]) => ({ name, request: async () => request }));
  return [...bodies, ...headers, ...hosts, ...lines];
}

export interface Compared {
  probe: string;
  relay: string;
  reference: string;
}

/** At a time, so that a matrix takes seconds. */
const CONNECTIONS = 6;

/** Sends each to both. */
export async function compare(probes: readonly Probe[], relay: number, reference: number): Promise<Compared[]> {
  const left = probes.values();
  const compared: Compared[] = [];
  const work = async () => {
    for (const { name, request } of left) {
      const text = await request();
      const [ours, theirs] = await Promise.all([exchange(relay, text), exchange(reference, text)]);
      compared.push({ probe: name, relay: ours, reference: theirs });
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  return compared;
}
