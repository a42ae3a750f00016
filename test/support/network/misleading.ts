/** Requests that lead a careless proxy elsewhere: by their target, their `Host`, or the scheme that a front names. */
import fc from 'fast-check';
import { HOST } from './exchange.ts';

/**
 * @param site `host:port` of the server that may be asked
 * @param victim `host:port`, on loopback, of one that may not
 */
export function misleading(site: string, victim: string): fc.Arbitrary<string> {
  const victims = ['127.0.0.1', '127.1', '2130706433', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '127.0.0.1.'];
  const at = victims.map((name) => `${name}:${victim.split(':')[1]}`);

  // Whoever cuts a URL by length is misled by a certain length of what stands before an `@`.
  const filler = fc.nat(40).map((length) => `${'a'.repeat(length)}@`);
  const userinfo = fc.oneof(
    fc.constant(''),
    filler,
    fc.constantFrom('@', ':@', 'user:pass@', 'a@b@', '%40', `${site}@`, `${HOST}:80@`, 'a/@', 'a\\@', 'a#@', 'a?@'),
  );
  const name = fc.oneof(fc.constantFrom(...at), fc.constantFrom(site, HOST, '', '[', '[::1', 'a b', 'xn--', '%'));
  const rest = fc.oneof(
    { weight: 4, arbitrary: fc.constant('') },
    fc.constantFrom('.', ':', ':0', ':80', ':65536', ':-1', '/', '//', '\\', '?', '#', '@', ` ${victim}`, `, ${HOST}`),
    fc.constantFrom(...at).map((other) => `@${other}`),
  );
  const authority = fc.tuple(userinfo, name, rest).map((parts) => parts.join(''));

  const piece = fc.oneof(
    fc.constantFrom('/', '//', '/\\', '\\', '.', '..', '/../', '%2e', '%2f', '%5c', '@', ':', '?', '#', '*', 'http://'),
    fc.string({ maxLength: 3 }),
    authority,
  );
  const path = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
  const target = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom('/', '//', '/\\', '/@', '/:@', '/..//'), path) },
    fc.tuple(fc.constantFrom('http://', 'https://', 'HTTP:', 'ftp://', '//'), authority, fc.constant('/'), path),
    fc.tuple(fc.oneof(fc.constant('*'), authority, path)),
  );

  // workerd keeps tunnels from a Worker by itself, and complains of each.
  const method = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS') },
    fc.constant('CONNECT'),
  );
  const hosts = fc.oneof({ weight: 5, arbitrary: fc.tuple(authority) }, fc.array(authority, { maxLength: 2 }));
  const scheme = fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    fc.constantFrom('https', 'ftp', 'file', 'foo', '', `http://${victim}/?`, `a@${victim}`),
  );
  return fc
    .record({ method, target, hosts, scheme })
    .map(({ method, target, hosts, scheme }) => misled(`${method} ${target.join('')} HTTP/1.1`, hosts, scheme));
}

/** @param scheme that a front says its client came by */
export function misled(line: string, hosts: string[], scheme?: string): string {
  const front = scheme === undefined ? [] : [`X-Forwarded-Proto: ${scheme}`];
  return [line, ...hosts.map((host) => `Host: ${host}`), ...front, 'Content-Length: 0', '', ''].join('\r\n');
}
