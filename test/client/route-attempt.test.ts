/** What is made of a connection that fails: by the stage that it had come to, and the addresses of the relay's name. */
import { describe, expect, it } from 'vitest';
import { RouteAttempt } from '../../client/node/dialer/route-attempt.ts';

/** A attempt whose name has these addresses. */
function resolved(addresses: string[], host = 'relay.example'): { attempt: RouteAttempt; passed: string[] } {
  const passed: string[] = [];
  const attempt = new RouteAttempt(host, (stage) => passed.push(stage));
  attempt.found(addresses);
  return { attempt, passed };
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
    expect(resolved([address]).attempt.failure(failure('ECONNREFUSED'))).toBe('name-forged');
    expect(resolved([address, '1.1.1.1']).attempt.failure(failure('ECONNREFUSED'))).toBe('refused');
  });

  it.each(['1.1.1.1', '100.128.0.1', '172.32.0.1', '198.20.0.1', '223.255.255.255', '2606:4700::1111'])(
    'that leads to %s is not',
    (address) => {
      expect(resolved([address]).attempt.failure(failure('ETIMEDOUT'))).toBe('no-answer');
    },
  );

  it("that is this machine's own is not", () => {
    expect(resolved(['127.0.0.1'], 'localhost').attempt.failure(failure('ECONNREFUSED'))).toBe('refused');
  });

  it('is passed once it has an address, and blamed while it has none', () => {
    expect(resolved(['1.1.1.1']).passed).toEqual(['dns']);
    const attempt = new RouteAttempt('relay.example', () => {});
    expect(attempt.failure(failure('ENOTFOUND'))).toBe('name-unknown');
    expect(new RouteAttempt('::1', () => {}).failure(failure('ECONNREFUSED'))).toBe('refused');
  });
});

it('an unknown failure of a connection is no more than that', () => {
  expect(resolved(['1.1.1.1']).attempt.failure(failure('ENETUNREACH'))).toBe('unreachable');
});
