import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Detail, PuenteError } from '../../protocol/errors.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import { encodeWord } from '../../protocol/permits/word.ts';
import { decodedOrRefused, expectCode, fromHex, own, thrown } from './helpers.ts';

/** Those of the worked example; their words were made by BIP 350's reference code in Python, with an empty prefix. */
const KEY = fromHex('8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f');
const INVITE = fromHex('9091929394959697');
const OPEN = 'p3aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0smnsh76';
const INVITED = 'p3aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0epyvjjw2ft95hkgsp7h';
const URL_OF_RELAY = 'https://relay.example/';

test('a link is the address, and a word', () => {
  expect(formatLink({ url: URL_OF_RELAY })).toBe(URL_OF_RELAY);
  expect(formatLink({ url: URL_OF_RELAY, key: KEY })).toBe(`${URL_OF_RELAY}#${OPEN}`);
  expect(formatLink({ url: URL_OF_RELAY, key: KEY, invite: INVITE })).toBe(`${URL_OF_RELAY}#${INVITED}`);
});

const someKey = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(own);
const someInvite = fc.uint8Array({ minLength: 1, maxLength: 255 }).map(own);
const someHost = fc.oneof(
  fc.domain().map((host) => `https://${host}/`),
  fc.nat(65534).map((port) => `http://localhost:${port + 1}/`),
);
const somePath = fc.array(fc.stringMatching(/^[\w~-][\w.~-]{0,20}$/), { maxLength: 3 });
const someUrl = fc
  .tuple(someHost, somePath)
  .map(([host, path]) => new URL(host + path.map((part) => `${part}/`).join('')).href);

test('a link comes back as it went', () => {
  fc.assert(
    fc.property(someUrl, fc.option(someKey), fc.option(someInvite), (url, key, invite) => {
      const address = { url, ...(key && { key }), ...(key && invite && { invite }) };
      const link = formatLink(address);
      expect(parseLink(link)).toEqual(address);
      expect(parseLink(` ${link}\n`)).toEqual(address);
    }),
  );
});

test('no shell, encoder or URL parser changes a link', () => {
  const links = fc.sample(
    fc.tuple(someUrl, someKey, someInvite).map(([url, key, invite]) => formatLink({ url, key, invite })),
    50,
  );
  expect(
    execFileSync('sh', ['-c', `printf '%s\\n' ${links.join(' ')}`], { encoding: 'utf8' })
      .trim()
      .split('\n'),
  ).toEqual(links);
  for (const link of links) {
    expect([new URL(link).href, encodeURI(link)]).toEqual([link, link]);
    const { hash } = new URL(link);
    expect(hash).toMatch(/^#[a-z\d]+$/);
    expect(encodeURIComponent(hash.slice(1))).toBe(hash.slice(1));
  }
});

test.each([
  ['relay.example', { url: URL_OF_RELAY }],
  ['RELAY.example:8443/', { url: 'https://relay.example:8443/' }],
  ['https://relay.example', { url: URL_OF_RELAY }],
  ['https://relay.example:443/#', { url: URL_OF_RELAY }],
  ['relay.example/path', { url: 'https://relay.example/path/' }],
  ['https://relay.example/a/Path/#', { url: 'https://relay.example/a/Path/' }],
  [`relay.example#${OPEN}`, { url: URL_OF_RELAY, key: KEY }],
  [`https://relay.example/#${INVITED}`, { url: URL_OF_RELAY, key: KEY, invite: INVITE }],
  [`HTTPS://RELAY.EXAMPLE/#${INVITED.toUpperCase()}`, { url: URL_OF_RELAY, key: KEY, invite: INVITE }],
  [`https://relay.example/path#${OPEN}`, { url: 'https://relay.example/path/', key: KEY }],
  [`https://relay.example/a/path/#${OPEN}`, { url: 'https://relay.example/a/path/', key: KEY }],
  ['http://localhost:8787', { url: 'http://localhost:8787/' }],
  ['http://127.0.0.1:8787/', { url: 'http://127.0.0.1:8787/' }],
  ['http://[::1]:8787/', { url: 'http://[::1]:8787/' }],
  ['localhost:8787', { url: 'https://localhost:8787/' }],
])('%s is understood', (text, address) => expect(parseLink(text)).toEqual(address));

const WRONG: [what: string, text: string, reason: Detail][] = [
  ['nothing', '', 'not-a-url'],
  ['a space in the host', 'relay example', 'not-a-url'],
  ['a host that a shell would take apart', `https://a;b.example/#${INVITED}`, 'not-a-url'],
  ['http', `http://relay.example/#${INVITED}`, 'not-https'],
  ['http to a name that begins like loopback', `http://127.0.0.1.example/#${INVITED}`, 'not-https'],
  ['another scheme', `ftp://relay.example/#${INVITED}`, 'not-https'],
  ['a user', `https://user@relay.example/#${INVITED}`, 'more-than-path'],
  ['a password', `https://:secret@relay.example/#${INVITED}`, 'more-than-path'],
  ['a query', `https://relay.example/?${INVITED}`, 'more-than-path'],
  ['a path that a shell would take apart', `https://relay.example/a;b/#${INVITED}`, 'more-than-path'],
  ['a path with an encoded #', `https://relay.example/%23${INVITED}`, 'more-than-path'],
  ['a path with an empty part', `https://relay.example//#${INVITED}`, 'more-than-path'],
  ['a word without a #', `https://relay.example/${INVITED}`, 'not-a-url'],
  ['a word alone', INVITED, 'not-a-url'],
  ['a bad port', `https://relay.example:99999/#${INVITED}`, 'not-a-url'],
  ['no word behind the #', 'https://relay.example/#about', 'word-mistyped'],
  ['a word cut short', `https://relay.example/#${INVITED.slice(0, -1)}`, 'word-mistyped'],
  ['a word with something behind it', `https://relay.example/#${INVITED}.`, 'word-mistyped'],
  ['two words', `https://relay.example/#${INVITED}#${INVITED}`, 'word-mistyped'],
  ['a letter that only looks like one', `https://relay.example/#${INVITED.replace('k', '\u212a')}`, 'word-mistyped'],
  ['no key', `https://relay.example/#${encodeWord(KEY.slice(1))}`, 'word-mistyped'],
  ['an invite that is too long', `https://relay.example/#${encodeWord(new Uint8Array(32 + 256))}`, 'word-mistyped'],
  [
    'a newer version',
    // By the same reference, for version 2.
    'https://relay.example/#z3aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0snwfcs3',
    'word-newer',
  ],
];

describe('link-invalid', () => {
  test.each(WRONG)('%s', (_what, text, reason) => {
    const error = thrown(() => parseLink(text)) as PuenteError;
    expectCode(error, 'link-invalid');
    expect(error.message).toBe(new PuenteError('link-invalid', reason).message);
  });

  test('never repeats the word', () => {
    for (const [, text] of WRONG) {
      const { message, stack } = thrown(() => parseLink(text)) as PuenteError;
      for (const secret of [INVITED.slice(5, 15), INVITED.slice(-16, -6), 'secret']) {
        expect(message).not.toContain(secret);
        expect(stack).not.toContain(secret);
      }
    }
  });

  test('is all that random text can give', () => {
    const links = fc.tuple(
      fc.constantFrom('https://a.example/#p', 'a.example#p', 'a.example/', 'http://', ''),
      fc.string(),
    );
    fc.assert(
      fc.property(links, ([start, rest]) => {
        decodedOrRefused(() => parseLink(start + rest), 'link-invalid');
      }),
      { numRuns: 2000 },
    );
  });

  test('is every fragment that is not a word: none is a bare address', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        const fragment = encodeURIComponent(text);
        expectCode(
          thrown(() => parseLink(`https://relay.example/#${fragment}`)),
          'link-invalid',
        );
      }),
    );
  });
});

test('a bare address has no key and so no invite', () => {
  expect(formatLink({ url: URL_OF_RELAY, invite: INVITE })).toBe(URL_OF_RELAY);
});
