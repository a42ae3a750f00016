/** What is made of a connection that fails: by the stage that it had come to, and the addresses of the relay's name. */
import { describe, expect, it } from 'vitest';
import { Way } from '../../client/node/dialer/way.ts';

/** A way whose name has these addresses. */
function resolved(addresses: string[], host = 'relay.example'): { way: Way; passed: string[] } {
  const passed: string[] = [];
  const way = new Way(host, (stage) => passed.push(stage));
  way.found(addresses);
  return { way, passed };
}

const failure = (code: string) => Object.assign(new Error(code), { code });

describe('a name', () => {
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.1.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.19.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:10.0.0.1',
    'fd00::1',
    'fe80::1',
    'ff02::1',
  ])('that leads to %s is forged', (address) => {
    expect(resolved([address]).way.failure(failure('ECONNREFUSED'))).toBe('name-forged');
    expect(resolved([address, '1.1.1.1']).way.failure(failure('ECONNREFUSED'))).toBe('refused');
  });

  it.each(['1.1.1.1', '100.128.0.1', '172.32.0.1', '198.20.0.1', '223.255.255.255', '2606:4700::1111'])(
    'that leads to %s is not',
    (address) => {
      expect(resolved([address]).way.failure(failure('ETIMEDOUT'))).toBe('no-answer');
    },
  );

  it("that is this machine's own is not", () => {
    expect(resolved(['127.0.0.1'], 'localhost').way.failure(failure('ECONNREFUSED'))).toBe('refused');
  });

  it('is passed once it has an address, and blamed while it has none', () => {
    expect(resolved(['1.1.1.1']).passed).toEqual(['dns']);
    const way = new Way('relay.example', () => {});
    expect(way.failure(failure('ENOTFOUND'))).toBe('name-unknown');
    expect(new Way('::1', () => {}).failure(failure('ECONNREFUSED'))).toBe('refused');
  });
});

it('an unknown failure of a connection is no more than that', () => {
  expect(resolved(['1.1.1.1']).way.failure(failure('ENETUNREACH'))).toBe('unreachable');
});
