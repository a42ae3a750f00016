/** Requests at the edges of what a reverse proxy passes on, which servers behind it may take differently. */
import { requestOf, UPGRADE } from './exchange.ts';
import type { Probe } from './probes.ts';

const HOSTS = [
  ...['', '..', '-', '%', 'a b', 'a|b', 'a^b', 'a_b', '\xe9', 'xn--a', 'a'.repeat(300), '1.2.3.4.5', '0x100'],
  ...[
    '[::1]',
    '[::1',
    'SITE.EXAMPLE',
    'site.example:x',
    'site.example:99999',
    'site.example/roses',
    'ana@site.example',
  ],
];

const TARGETS = [
  ...['/|', '/^', '/"', '/<', '/{}', '/\t', '/\x01', '/\x7f', '/\xc3\xa9', '/%00', '/%0a', '/%zz', '/%72oses'],
  ...[
    '/.',
    '/..',
    '/../..',
    '//',
    '///',
    '/roses/',
    '?',
    '/roses?',
    '/#/roses',
    '/?\xe9',
    '/?a|b',
    '/?<',
    '/?a>"<b',
    '/?`',
    '/?\\',
    '/?^{}',
    '/?\x7f',
    '/?%zz',
    '/>`',
  ],
  ...['http:/', 'http://', 'http:///', 'http://a|b/', 'http://site.example:99999/', 'http://ana@site.example/'],
  ...[
    'https://site.example/',
    'ftp://site.example/',
    `/${'u'.repeat(7000)}`,
    `/${'u'.repeat(9000)}`,
    `/?${'q'.repeat(7900)}`,
  ],
];

const HEADERS: Record<string, string[]> = {
  'a control character': ['X-A: \x01'],
  'a null': ['X-A: a\0b'],
  'a lone carriage return': ['X-A: b\rX-B: c'],
  'a space before the colon': ['X-A : b'],
  'a name with an underscore': ['X_A: b'],
  'a name with an at': ['X@A: b'],
  'a header without a value': ['X-A:'],
  'one that names others': ['Connection: close, Host, X-Forwarded-Proto'],
  'what proxies say': ['X-Forwarded-Proto: gopher', 'X-Forwarded-For: x', 'X-Forwarded-Host: |', 'X-Real-IP: x'],
  'what Cloudflare says': ['CF-Connecting-IP: 203.0.113.7', 'CF-Ray: a', 'CDN-Loop: cloudflare'],
  'trailers that are wanted': ['Connection: TE', 'TE: trailers'],
  'no encoding that will do': ['Accept-Encoding: identity;q=0, *;q=0'],
  'a range of two': ['Range: bytes=0-0,2-3'],
  'a range that ends early': ['Range: bytes=9-2'],
  'a precondition': ['If-Match: "b"'],
  'an expectation': ['Expect: a miracle'],
  'a coding that is none': ['Transfer-Encoding: identity'],
  'a coding that is not read': ['Transfer-Encoding: gzip'],
  'two codings': ['Transfer-Encoding: gzip, chunked'],
  'a negative length': ['Content-Length: -1'],
  'a length with a sign': ['Content-Length: +0'],
  'a length above all': ['Content-Length: 99999999999999999999'],
  'a length twice': ['Content-Length: 0', 'Content-Length: 0'],
  '8 KB': long(8000),
  '12 KB': long(6000, 6000),
  '16 KB': long(7900, 7900),
  '19 KB': long(7900, 7900, 3000),
  '24 KB': long(7900, 7900, 7900),
};

function long(...lengths: number[]): string[] {
  return lengths.map((length, at) => `X-${at}: ${'y'.repeat(length)}`);
}

const BODIES: Record<string, [headers: string[], body: string]> = {
  'a body of 9,000 bytes': [['Content-Length: 9000'], 'x'.repeat(9000)],
  'a body of 300,000 bytes': [['Content-Length: 300000'], 'x'.repeat(300_000)],
  'a body of 2,000,000 bytes': [['Content-Length: 2000000'], 'x'.repeat(2_000_000)],
  'a chunk with an extension': [['Transfer-Encoding: chunked'], '3;a=b\r\nabc\r\n0\r\n\r\n'],
  'a trailer': [['Transfer-Encoding: chunked', 'Trailer: X-A'], '3\r\nabc\r\n0\r\nX-A: b\r\n\r\n'],
  'a chunk without a length': [['Transfer-Encoding: chunked'], 'z\r\nabc\r\n0\r\n\r\n'],
  'a chunk of 300,000 bytes': [['Transfer-Encoding: chunked'], `493e0\r\n${'x'.repeat(300_000)}\r\n0\r\n\r\n`],
  'a length beside chunks': [['Transfer-Encoding: chunked', 'Content-Length: 3'], 'abc'],
};

const VERSIONS = [
  'HTTP/0.9',
  'HTTP/1.',
  'HTTP/1.10',
  'HTTP/11.1',
  'HTTP/2.0',
  'HTTP/3.0',
  'http/1.1',
  'FTP/1.1',
  'HTTP/1.1 a',
];

const METHODS = [
  ...['CONNECT', 'LINK', 'LOCK', 'M-SEARCH', 'MKCOL', 'MOVE', 'QUERY', 'REPORT', 'SEARCH', 'BREW'],
  ...['GETS', 'HEADS', 'POSTS', 'G\xc9T', 'G@T', 'GE T', 'GET\t', '', 'A'.repeat(100)],
];

export function atProxies(): Probe[] {
  const probe = (name: string, text: string): Probe => ({ name, request: async () => text });
  const methods = ['GET', 'HEAD', 'POST'];
  return [
    ...HOSTS.flatMap((host) =>
      [[], UPGRADE].map((lines) =>
        probe(
          `${lines.length > 0 ? 'an upgrade' : 'GET'} at "${host}"`,
          ['GET / HTTP/1.1', `Host: ${host}`, ...lines, '', ''].join('\r\n'),
        ),
      ),
    ),
    ...TARGETS.flatMap((target) =>
      methods.map((method) => probe(`${method} ${target}`, requestOf(`${method} ${target} HTTP/1.1`))),
    ),
    ...Object.entries(HEADERS).flatMap(([name, lines]) => [
      ...methods.map((method) => probe(`${method} with ${name}`, requestOf(`${method} / HTTP/1.1`, lines))),
      probe(`an upgrade with ${name}`, requestOf('GET / HTTP/1.1', [...UPGRADE, ...lines])),
    ]),
    ...Object.entries(BODIES).flatMap(([name, [lines, body]]) =>
      [...methods, 'PUT'].map((method) =>
        probe(`${method} with ${name}`, requestOf(`${method} / HTTP/1.1`, lines, body)),
      ),
    ),
    ...VERSIONS.map((version) => probe(`version ${version}`, requestOf(`GET / ${version}`))),
    ...METHODS.map((method) => probe(`method ${method}`, requestOf(`${method} / HTTP/1.1`))),
    probe('five in one', requestOf('GET /roses HTTP/1.1').repeat(5)),
  ];
}
