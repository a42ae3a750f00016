import { describe, expect, it } from 'vitest';
import { backendName } from '../../client/address.ts';

describe('the address of a backend', () => {
  it.each([
    ['chat.example.org:5223', 'chat.example.org:5223'],
    ['Chat.Example.ORG:443', 'chat.example.org:443'],
    [{ hostname: 'chat.example.org', port: 5223 }, 'chat.example.org:5223'],
    ['[2001:db8::1]:443', '[2001:db8::1]:443'],
    [{ hostname: '2001:db8::1', port: 443 }, '[2001:db8::1]:443'],
  ])('%j is %s', (address, name) => expect(backendName(address)).toBe(name));

  it.each([
    '',
    'chat.example.org',
    ':443',
    'chat.example.org:',
    'chat.example.org:0',
    'chat.example.org:65536',
    'chat.example.org:4.5',
    'https://chat.example.org:443',
    'user@chat.example.org:443',
    'chat example.org:443',
    'чат.example.org:443',
    `${'世'.repeat(100)}:1`,
    `${'a'.repeat(254)}:443`,
    { hostname: '', port: 443 },
    { hostname: 'a', port: Number.NaN },
  ])('%j is none', (address) => {
    expect(() => backendName(address)).toThrow(expect.objectContaining({ code: 'address-invalid' }));
  });
});
