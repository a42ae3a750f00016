import { describe, expect, it } from 'vitest';
import { inUnits } from '../../../client/cli/status.ts';
import { isPublic, parseForward, written } from '../../../client/gateway/forward.ts';

describe('-L', () => {
  it.each([
    ['5222:chat.example:443', '127.0.0.1', 5222, '127.0.0.1:5222 → chat.example:443', false],
    ['0:Chat.Example:443', '127.0.0.1', 0, '127.0.0.1:0 → chat.example:443', false],
    ['localhost:1:[2001:db8::1]:2', 'localhost', 1, 'localhost:1 → [2001:db8::1]:2', false],
    ['[::1]:1:a:2', '::1', 1, '[::1]:1 → a:2', false],
    ['192.168.1.2:1:a:2', '192.168.1.2', 1, '192.168.1.2:1 → a:2', true],
    ['[::]:1:a:2', '::', 1, '[::]:1 → a:2', true],
    ['8080:any://Intranet.example:80', '127.0.0.1', 8080, '127.0.0.1:8080 → any://intranet.example:80', false],
    ['[::]:1:any://[2001:db8::1]:2', '::', 1, '[::]:1 → any://[2001:db8::1]:2', true],
    ['socks5://1080', '127.0.0.1', 1080, 'socks5://127.0.0.1:1080', false],
    ['socks5://[::1]:1080', '::1', 1080, 'socks5://[::1]:1080', false],
    ['http://0.0.0.0:8080/', '0.0.0.0', 8080, 'http://0.0.0.0:8080', true],
  ])('%s', (text, host, port, shown, others) => {
    const forward = parseForward(text);
    expect([forward.host, forward.port, written(forward, port), isPublic(forward)]).toEqual([
      host,
      port,
      shown,
      others,
    ]);
  });

  it.each([
    '',
    '1',
    'a:1',
    '1:a',
    '1:a:b',
    ':1:a:2',
    '::1:1:a:2',
    '65536:a:1',
    '1:a:65536',
    '1:a:0',
    'https://1',
    'socks5://',
    'socks5://a',
    'socks4://1',
    'http://1/x',
    'any://1',
    'any://1:a:2',
    '1:any://a',
    '1:any://a:0',
    '1:any:a:2',
    '1:http://a:2',
    '1:any://any://a:2',
  ])('refuses "%s"', (text) => {
    expect(() => parseForward(text)).toThrow();
  });
});

it('writes bytes in units', () => {
  const sizes = [0, 1, 1023, 1024, 1025, 1_048_575, 1_048_576, 123_456_789, 2 ** 50];
  expect(sizes.map(inUnits)).toEqual([
    '0 B',
    '1 B',
    '1023 B',
    '1.00 KiB',
    '1.00 KiB',
    '1024 KiB',
    '1.00 MiB',
    '118 MiB',
    '1024 TiB',
  ]);
});
