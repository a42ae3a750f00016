/** What clients say first, in whatever pieces it comes: what is read of it, what is left, and what is refused. */

import type net from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entrance } from '../../../client/gateway/entrance.ts';
import { CONNECT_HEAD_MAX, httpConnect } from '../../../client/gateway/http-connect.ts';
import { HungUp, Refusal } from '../../../client/gateway/reading.ts';
import { socks5 } from '../../../client/gateway/socks5.ts';
import { PuenteError } from '../../../protocol/errors.ts';
import '../../../protocol/sentences.ts';

interface Outcome {
  backend?: string;
  /** What a refused client is told. */
  refusal?: string;
  /** What it is told in between. */
  told: string;
  /** What it has sent beyond its handshake. */
  rest: string;
}

/** What becomes of a client that sends these parts, one after another, and then ends. */
async function enter(entrance: Entrance, parts: Uint8Array[]): Promise<Outcome> {
  const [near, far] = duplexPair();
  const outcome: Outcome = { told: '', rest: '' };
  far.setEncoding('latin1').on('data', (text: string) => {
    outcome.told += text;
  });
  const entered = entrance(near as Duplex as net.Socket);
  entered.catch(() => {});
  for (const part of parts) {
    far.write(part);
    await new Promise(setImmediate);
  }
  far.end();
  try {
    outcome.backend = (await entered).backend;
    for await (const bytes of near) outcome.rest += (bytes as Buffer).toString('latin1');
  } catch (error) {
    if (error instanceof HungUp) outcome.refusal = 'hung up';
    else if (error instanceof Refusal) outcome.refusal = Buffer.from(error.reply as string).toString('latin1');
    else throw error;
  }
  return outcome;
}

function eachByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

const hello = Buffer.from('own bytes');
const ascii = (text: string) => Buffer.from(text, 'latin1');
const socks = (...request: (number | string)[]) =>
  Buffer.concat([5, 1, 0, ...request].map((part) => (typeof part === 'string' ? ascii(part) : Buffer.of(part))));
const agreed = '\x05\x00';

const GOOD: [string, Entrance, Buffer, string][] = [
  ['SOCKS5, a name', socks5, socks(5, 1, 0, 3, 12, 'chat.example', 20, 102), 'chat.example:5222'],
  ['SOCKS5, IPv4', socks5, socks(5, 1, 0, 1, 192, 0, 2, 1, 1, 187), '192.0.2.1:443'],
  ['SOCKS5, IPv6', socks5, socks(5, 1, 0, 4, '\x20\x01\x0d\xb8', ...Array(11).fill(0), 1, 0, 80), '[2001:db8::1]:80'],
  ['CONNECT', httpConnect, ascii('CONNECT chat.example:443 HTTP/1.1\r\nHost: x\r\n\r\n'), 'chat.example:443'],
  ['CONNECT to IPv6', httpConnect, ascii('CONNECT [2001:db8::1]:443 HTTP/1.0\r\n\r\n'), '[2001:db8::1]:443'],
];

describe.each(GOOD)('%s', (_, entrance, bytes, backend) => {
  const told = entrance === socks5 ? agreed : '';

  it('is understood in one piece and byte by byte, and nothing behind it is touched', async () => {
    const whole = Buffer.concat([bytes, hello]);
    for (const parts of [[whole], eachByte(whole), [bytes, hello]])
      expect(await enter(entrance, parts)).toEqual({ backend, told, rest: 'own bytes' });
  });

  it('is understood in any two pieces', async () => {
    const whole = Buffer.concat([bytes, hello]);
    for (let at = 1; at < Math.min(whole.length, 100); at++)
      expect(await enter(entrance, [whole.subarray(0, at), whole.subarray(at)])).toMatchObject({ backend });
  });

  it('is waited for to its last byte', async () => {
    for (let length = 0; length < Math.min(bytes.length, 100); length++)
      expect((await enter(entrance, [bytes.subarray(0, length)])).refusal).toBe('hung up');
  });
});

describe('refused:', () => {
  const general = (code: number) => `\x05${String.fromCharCode(code)}\x00\x01${'\x00'.repeat(6)}`;

  it.each<[string, Entrance, Buffer, RegExp | string]>([
    ['SOCKS4', socks5, ascii('\x04\x01\x00\x50\x01\x02\x03\x04\x00'), '\x00\x5b\x00\x00\x00\x00\x00\x00'],
    ['SOCKS with a password only', socks5, Buffer.of(5, 1, 2), '\x05\xff'],
    ['SOCKS without a method', socks5, Buffer.of(5, 0), '\x05\xff'],
    ['BIND', socks5, socks(5, 2, 0, 1, 1, 2, 3, 4, 0, 80), general(7)],
    ['UDP', socks5, socks(5, 3, 0, 1, 1, 2, 3, 4, 0, 80), general(7)],
    ['a type of address that is none', socks5, socks(5, 1, 0, 2, 1, 2, 3, 4, 0, 80), general(8)],
    ['HTTP at the port of SOCKS', socks5, ascii('GET / HTTP/1.1\r\n\r\n'), ''],
    [
      'another request',
      httpConnect,
      ascii('GET http://a/ HTTP/1.1\r\n\r\n'),
      /^HTTP\/1.1 405 .*\r\nAllow: CONNECT\r\n/,
    ],
    [
      'a form of a web page',
      httpConnect,
      ascii('POST / HTTP/1.1\r\n\r\nCONNECT a:1 HTTP/1.1\r\n\r\n'),
      /^HTTP\/1.1 405 /,
    ],
    ['lower case', httpConnect, ascii('connect a:1 HTTP/1.1\r\n\r\n'), /^HTTP\/1.1 405 /],
    ['TLS at the port of HTTP', httpConnect, Buffer.of(22, 3, 1), /^HTTP\/1.1 400 /],
    ['HTTP/2', httpConnect, ascii('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), /^HTTP\/1.1 400 /],
    ['a line that is none', httpConnect, ascii('CONNECT  a:1 HTTP/1.1\r\n\r\n'), /^HTTP\/1.1 400 /],
    ['a head without an end', httpConnect, Buffer.alloc(CONNECT_HEAD_MAX, 'C'), /^HTTP\/1.1 431 /],
  ])('%s', async (_, entrance, bytes, reply) => {
    for (const parts of [[bytes], eachByte(bytes)]) {
      const { refusal, backend } = await enter(entrance, parts);
      expect(backend).toBeUndefined();
      if (typeof reply === 'string') expect(refusal).toBe(reply);
      else expect(refusal).toMatch(reply);
    }
  });

  it('whatever else it is, without an exception', async () => {
    const entrance = fc.constantFrom(socks5, httpConnect);
    const beginning = fc.constantFrom('', '\x05\x01\x00', '\x05\x01\x00\x05\x01\x00', 'CONNECT ');
    const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(entrance, beginning, parts, async (entrance, beginning, parts) => {
        const { backend, refusal } = await enter(entrance, [ascii(beginning), ...parts]);
        expect((backend === undefined) !== (refusal === undefined)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the answer to a failure', () => {
  it.each([
    ['backend-not-allowed', 2, 403],
    ['backend-down', 5, 502],
    ['timeout', 4, 504],
    ['unreachable', 3, 503],
    ['name-blocked', 3, 503],
    ['full', 1, 503],
    ['address-invalid', 1, 400],
  ] as const)('%s is %i in SOCKS, and %i in HTTP', async (code, socksCode, status) => {
    const error = new PuenteError(code);
    const answers = [socks(5, 1, 0, 3, 1, 'a', 0, 1), ascii('CONNECT a:1 HTTP/1.1\r\n\r\n')];
    const [near, far] = duplexPair();
    far.write(answers[0]);
    const request = await socks5(near as Duplex as net.Socket);
    expect(request.answer?.refused(error)[1]).toBe(socksCode);
    const [other, client] = duplexPair();
    client.write(answers[1]);
    const response = String((await httpConnect(other as Duplex as net.Socket)).answer?.refused(error));
    expect(response).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(response.split('\r\n\r\n')[1]).toBe(`${error.message}\n`);
    expect(response).toContain(`Content-Length: ${Buffer.byteLength(error.message) + 1}\r\n`);
  });
});
