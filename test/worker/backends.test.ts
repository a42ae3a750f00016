import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PuenteError } from '../../protocol/errors.ts';
import { allowedBackend, parseBackends } from '../../worker/admission/backends.ts';

const table = parseBackends(
  'chat.example.org:5223, any://*.example.net:443 tls://10.0.0.7:5222 whatsapp://[2001:db8::1]:443',
);

describe('a backend', () => {
  it.each([
    ['chat.example.org:5223', { host: 'chat.example.org', port: 5223, expects: 'tls' }],
    ['CHAT.Example.ORG:5223', { host: 'chat.example.org', port: 5223, expects: 'tls' }],
    ['a.example.net:443', { host: 'a.example.net', port: 443, expects: 'any' }],
    ['a.b.example.net:443', { host: 'a.b.example.net', port: 443, expects: 'any' }],
    ['10.0.0.7:5222', { host: '10.0.0.7', port: 5222, expects: 'tls' }],
    ['[2001:db8::1]:443', { host: '[2001:db8::1]', port: 443, expects: 'whatsapp' }],
  ])('on the list is reached: %s', (backend, address) => {
    expect(allowedBackend(table, backend)).toEqual(address);
  });

  it.each([
    'chat.example.org:5222',
    'chat.example.org',
    'chat.example.org:',
    'chat.example.org:05223',
    'chat.example.org:5223 ',
    ' chat.example.org:5223',
    'chat.example.org.:5223',
    'chat.example.org:5223\0',
    'chat.example.org\0.evil.example:5223',
    'user@chat.example.org:5223',
    'chat.example.org:5223@evil.example:443',
    'chat.example.org/:5223',
    'xn--chat.example.org:5223',
    'evil.chat.example.org:5223',
    'example.net:443',
    '.example.net:443',
    'evilexample.net:443',
    'a.example.net.evil.example:443',
    '-.example.net:443',
    'á.example.net:443',
    '10.0.0.07:5222',
    '0xa.0.0.7:5222',
    '167772167:5222',
    '[::ffff:10.0.0.7]:5222',
    '[2001:db8:0::1]:443',
    '2001:db8::1:443',
    '127.0.0.1:443',
    'localhost:443',
    ':443',
    '',
    'any://a.example.net:443',
    'tls://chat.example.org:5223',
  ])('that is not on the list is refused: %j', (backend) => {
    expect(() => allowedBackend(table, backend)).toThrow(expect.objectContaining({ code: 'backend-not-allowed' }));
  });
});

describe('BACKENDS', () => {
  it('knows where WhatsApp is', () => {
    const whatsapp = parseBackends('whatsapp');
    for (const backend of [
      'g.whatsapp.net:5222',
      'g.whatsapp.net:80',
      'whatsapp.net:443',
      'g-fallback.whatsapp.net:443',
    ])
      expect(allowedBackend(whatsapp, backend)).toBeDefined();
    expect(allowedBackend(whatsapp, 'g.whatsapp.net:5222').expects).toBe('whatsapp');
    expect(allowedBackend(whatsapp, 'whatsapp.net:443').expects).toBe('tls');
    expect(() => allowedBackend(whatsapp, 'web.whatsapp.com:443')).toThrow(PuenteError);
  });

  it.each([
    ['', 'is empty'],
    [' , ', 'is empty'],
    ['signal', '"signal"'],
    ['chat.example.org', '"chat.example.org"'],
    ['chat.example.org:0', '"chat.example.org:0"'],
    ['chat.example.org:65536', '"chat.example.org:65536"'],
    ['https://chat.example.org:443', '"https://chat.example.org:443"'],
    ['*:443', '"*:443"'],
    ['*.com:443', '"*.com:443"'],
    ['*.0.0.1:443', '"*.0.0.1:443"'],
    ['chat.*.org:443', '"chat.*.org:443"'],
    ['ftp://chat.example.org:443', '"ftp://chat.example.org:443"'],
    ['any://', '"any://"'],
    ['any://whatsapp', '"any://whatsapp"'],
    ['tls://any://chat.example.org:443', '"tls://any://chat.example.org:443"'],
    ['*chat.example.org:443', '"*chat.example.org:443"'],
    ['**.example.org:443', '"**.example.org:443"'],
  ])('that cannot be parsed is named with its problem and a correct value: %j', (text, problem) => {
    expect(() => parseBackends(text)).toThrow(
      expect.objectContaining({
        code: 'config-invalid',
        message: expect.stringMatching(
          new RegExp(`BACKENDS.*${problem.replace(/[*.]/g, '\\$&')}.*BACKENDS = "whatsapp"`),
        ),
      }),
    );
  });
});

/** Pieces that an attacker would put together, and whatever else may stand in a hello. */
const piece = fc.oneof(
  fc.constantFrom(
    ...['chat', 'example', 'org', 'net', 'evil', 'chat.example.org', 'example.net', 'a.example.net', 'localhost'],
    ...['10.0.0.7', '10.0.0.07', '0x0a000007', '167772167', '127.1', '127.0.0.1', '192.168.0.1', '169.254.169.254'],
    ...['[2001:db8::1]', '[::1]', '[::ffff:10.0.0.7]', '[2001:db8:0:0:0:0:0:1]', '[fe80::1%25eth0]', '::1'],
    ...['.', '..', ':', '@', '/', '\\', '#', '?', '%00', '\0', ' ', '\t', '\r\n', '*', '-', '_', ','],
    ...[':443', ':5223', ':5222', ':25', ':80', ':0443', ':+443', ':443443', ':', ':65979'],
    ...['CHAT', 'ｃｈａｔ', 'chаt', 'xn--', 'ß', '\u0130', '\u212a', '\u200b', '。', 'any://', 'tls://', 'user:pass@'],
  ),
  fc.string({ unit: 'grapheme', maxLength: 3 }),
);

it('whatever a client names, nothing but what the list says is connected', () => {
  // Said once more, in other words than the code's.
  const listed = (host: string, port: number) =>
    (host === 'chat.example.org' && port === 5223) ||
    (/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+example\.net$/.test(host) && port === 443) ||
    (host === '10.0.0.7' && port === 5222) ||
    (host === '[2001:db8::1]' && port === 443);
  // One of them, with something put in anywhere or nothing.
  const almost = fc
    .tuple(
      fc.constantFrom('chat.example.org:5223', 'b.example.net:443', '10.0.0.7:5222'),
      fc.nat(22),
      piece,
      fc.boolean(),
    )
    .map(([name, at, put, untouched]) => (untouched ? [name] : [name.slice(0, at), put, name.slice(at)]));
  let reached = 0;
  fc.assert(
    fc.property(fc.oneof(fc.array(piece, { maxLength: 7 }), almost), (pieces) => {
      try {
        const { host, port } = allowedBackend(table, pieces.join(''));
        expect(listed(host, port), `${host} ${port}`).toBe(true);
        // And it is what was named, not something that was made of it.
        expect(`${host}:${port}`).toBe(pieces.join('').toLowerCase());
        reached += 1;
      } catch (error) {
        if (!(error instanceof PuenteError)) throw error;
        expect(error.code).toBe('backend-not-allowed');
      }
    }),
    { numRuns: 20_000 },
  );
  expect(reached).toBeGreaterThan(20);
});
