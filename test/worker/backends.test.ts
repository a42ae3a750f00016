import { describe, expect, it } from 'vitest';
import { PuenteError } from '../../protocol/errors.ts';
import { allowedAddress, parseBackends } from '../../worker/backends.ts';

const table = parseBackends('chat.example.org:5223, *.example.net:443 10.0.0.7:5222 [2001:db8::1]:443');

describe('a backend', () => {
  it.each([
    ['chat.example.org:5223', { host: 'chat.example.org', port: 5223 }],
    ['CHAT.Example.ORG:5223', { host: 'chat.example.org', port: 5223 }],
    ['a.example.net:443', { host: 'a.example.net', port: 443 }],
    ['a.b.example.net:443', { host: 'a.b.example.net', port: 443 }],
    ['10.0.0.7:5222', { host: '10.0.0.7', port: 5222 }],
    ['[2001:db8::1]:443', { host: '[2001:db8::1]', port: 443 }],
  ])('on the list is reached: %s', (backend, address) => {
    expect(allowedAddress(table, backend)).toEqual(address);
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
  ])('that is not on the list is refused: %j', (backend) => {
    expect(() => allowedAddress(table, backend)).toThrow(expect.objectContaining({ code: 'backend-not-allowed' }));
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
      expect(allowedAddress(whatsapp, backend)).toBeDefined();
    expect(() => allowedAddress(whatsapp, 'web.whatsapp.com:443')).toThrow(PuenteError);
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
