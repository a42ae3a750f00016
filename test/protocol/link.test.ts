import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toBase64url } from '../../protocol/bytes.ts';
import type { PuenteError } from '../../protocol/errors.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import { decodedOrRefused, expectCode, own, thrown } from './helpers.ts';

const KEY = new Uint8Array(32).fill(0xfb);
const K = toBase64url(KEY);
const INVITE = Uint8Array.of(0xde, 0xad, 0xbe, 0xef, 0xff, 0xfe);
const I = toBase64url(INVITE);

test('a link comes back as it went', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(own);
  const invite = fc.uint8Array({ minLength: 1, maxLength: 255 }).map(own);
  const origin = fc.oneof(
    fc.domain().map((host) => `https://${host}/`),
    fc.nat(65534).map((port) => `http://localhost:${port + 1}/`),
  );
  fc.assert(
    fc.property(origin, fc.option(key), fc.option(invite), (text, key, invite) => {
      const address = {
        origin: new URL(text).href,
        ...(key && { key }),
        ...(key && invite && { invite }),
      };
      const link = formatLink(address);
      expect(parseLink(link)).toEqual(address);
      expect(parseLink(` ${link}\n`)).toEqual(address);
      if (key) expect(link).toMatch(/^[^#]+#k=[\w-]{43}(&i=[\w-]+)?$/);
    }),
  );
});

test.each([
  ['relay.example', { origin: 'https://relay.example/' }],
  ['RELAY.example:8443/', { origin: 'https://relay.example:8443/' }],
  ['https://relay.example', { origin: 'https://relay.example/' }],
  ['https://relay.example:443/#', { origin: 'https://relay.example/' }],
  [`relay.example#k=${K}`, { origin: 'https://relay.example/', key: KEY }],
  [`https://relay.example/#i=${I}&k=${K}&later=1`, { origin: 'https://relay.example/', key: KEY, invite: INVITE }],
  ['http://localhost:8787', { origin: 'http://localhost:8787/' }],
  ['http://127.0.0.1:8787/', { origin: 'http://127.0.0.1:8787/' }],
  ['http://[::1]:8787/', { origin: 'http://[::1]:8787/' }],
  ['localhost:8787', { origin: 'https://localhost:8787/' }],
])('%s is understood', (text, address) => expect(parseLink(text)).toEqual(address));

const WRONG = [
  ['nothing', ''],
  ['a space in the host', 'relay example'],
  ['http', `http://relay.example/#k=${K}&i=${I}`],
  ['http to a name that begins like loopback', `http://127.0.0.1.example/#k=${K}&i=${I}`],
  ['another scheme', `ftp://relay.example/#k=${K}&i=${I}`],
  ['a user', `https://user@relay.example/#k=${K}&i=${I}`],
  ['a password', `https://:secret@relay.example/#k=${K}&i=${I}`],
  ['a path', `https://relay.example/path#k=${K}&i=${I}`],
  ['a query', `https://relay.example/?k=${K}&i=${I}`],
  ['no #', `https://relay.example/k=${K}&i=${I}`],
  ['an invite without a key', `https://relay.example/#i=${I}`],
  ['an empty key', `https://relay.example/#k=&i=${I}`],
  ['a key cut short', `https://relay.example/#k=${K.slice(0, -1)}&i=${I}`],
  ['a key too long', `https://relay.example/#k=${K}A&i=${I}`],
  ['a key of 31 bytes', `https://relay.example/#k=${toBase64url(new Uint8Array(31))}&i=${I}`],
  ['a key of a second spelling', `https://relay.example/#k=${K.slice(0, -1)}t&i=${I}`],
  ['an empty invite', `https://relay.example/#k=${K}&i=`],
  ['a padded invite', `https://relay.example/#k=${K}&i=${I}=`],
  ['an invite that is not base64url', `https://relay.example/#k=${K}&i=${I}.`],
  ['an invite that is too long', `https://relay.example/#k=${K}&i=${'A'.repeat(344)}`],
  ['a bad port', `https://relay.example:99999/#k=${K}&i=${I}`],
] as const;

describe('link-invalid', () => {
  test.each(WRONG)('%s', (_what, text) =>
    expectCode(
      thrown(() => parseLink(text)),
      'link-invalid',
    ),
  );

  test('never repeats the invite, nor the key', () => {
    for (const [, text] of WRONG) {
      const { message, stack } = thrown(() => parseLink(text)) as PuenteError;
      for (const secret of [I, K.slice(0, -1), 'secret']) {
        expect(message).not.toContain(secret);
        expect(stack).not.toContain(secret);
      }
    }
  });

  test('is all that random text can give', () => {
    const links = fc.tuple(fc.constantFrom('https://a.example/#k=', 'a.example#k=', 'http://', ''), fc.string());
    fc.assert(
      fc.property(links, ([start, rest]) => {
        decodedOrRefused(() => parseLink(start + rest), 'link-invalid');
      }),
      { numRuns: 2000 },
    );
  });
});

test('a bare address has no key and so no invite', () => {
  expect(formatLink({ origin: 'https://relay.example/', invite: INVITE })).toBe('https://relay.example/');
});
