/** SOCKS5 (RFC 1928), the part that chat apps and browsers use: CONNECT, without a password. */

import type net from 'node:net';
import type { Readable } from 'node:stream';
import type { Code } from '../../protocol/errors.ts';
import type { Request } from './entrance.ts';
import { Refusal, take } from './reading.ts';

const VERSION = 5;
const NO_PASSWORD = 0;
const NO_METHOD = 0xff;
const CONNECT = 1;

/** RFC 1928 section 6. */
const REPLY = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const;

/** Every failure that is not in this table is a general failure. */
const REPLIES: Partial<Record<Code, keyof typeof REPLY>> = {
  'backend-not-allowed': 'notAllowed',
  'backend-down': 'refused',
  timeout: 'hostUnreachable',
  unreachable: 'networkUnreachable',
  'name-unknown': 'networkUnreachable',
  'name-forged': 'networkUnreachable',
  'name-blocked': 'networkUnreachable',
  'no-answer': 'networkUnreachable',
  refused: 'networkUnreachable',
  'not-trusted': 'networkUnreachable',
};

/** A reply with the address 0.0.0.0:0: nobody here knows from where the relay connects. */
const reply = (outcome: keyof typeof REPLY): Buffer => Buffer.of(VERSION, REPLY[outcome], 0, 1, 0, 0, 0, 0, 0, 0);

/** Passes names on as they are, so that only the relay resolves them. */
export async function socks5(client: net.Socket): Promise<Request> {
  await agreeOnMethod(client);
  const [, command = 0, , type = 0] = await version(client, 4);
  const host = await readHost(client, type);
  const port = (await take(client, 2)).readUInt16BE();
  if (command !== CONNECT) throw new Refusal('No SOCKS command but CONNECT.', reply('commandNotSupported'));
  return {
    client,
    backend: `${host}:${port}`,
    answer: {
      granted: reply('succeeded'),
      refused: ({ code }) => reply(REPLIES[code] ?? 'failure'),
    },
  };
}

/** RFC 1928 section 3. */
async function agreeOnMethod(client: net.Socket): Promise<void> {
  const [, count = 0] = await version(client, 2);
  const methods = await take(client, count);
  if (!methods.includes(NO_PASSWORD)) throw new Refusal('No SOCKS without a password.', Buffer.of(VERSION, NO_METHOD));
  client.write(Buffer.of(VERSION, NO_PASSWORD));
}

/** Reads `length` bytes; the first byte is the version. */
async function version(client: Readable, length: number): Promise<Buffer> {
  const first = await take(client, 1);
  // SOCKS4 has its own code for a refusal: 91.
  if (first[0] === 4) throw new Refusal('SOCKS4 is not spoken here.', Buffer.of(0, 91, 0, 0, 0, 0, 0, 0));
  if (first[0] !== VERSION) throw new Refusal('No SOCKS5.');
  return Buffer.concat([first, await take(client, length - 1)]);
}

/** RFC 1928 section 5. */
async function readHost(client: Readable, type: number): Promise<string> {
  switch (type) {
    case 1:
      return (await take(client, 4)).join('.');
    case 3: {
      const [length = 0] = await take(client, 1);
      return (await take(client, length)).toString('latin1');
    }
    case 4:
      return `[${ipv6(await take(client, 16))}]`;
    default:
      throw new Refusal('No such type of address in SOCKS5.', reply('addressTypeNotSupported'));
  }
}

/** The address in the usual form, in which a relay lists it. */
function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
