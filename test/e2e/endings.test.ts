/** What a backend still gets when its session has ended, and when its connection is let go. */
import { once } from 'node:events';
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { createConnection } from '../../client/node/index.ts';
import { WINDOW_INITIAL } from '../../protocol/limits.ts';
import { inviteKeyOf, signInvite } from '../../protocol/permits/invite.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import { KnownBytes, KnownBytesCheck } from '../support/fixtures/bytes.ts';
import { openHello, RawClient, random } from '../support/network/raw-client.ts';
import { heldTo } from '../support/proc.ts';
import { type Backend, startBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';
import { until } from '../support/until.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const KINDS = ['a plain session', 'a session of a hub'] as const;

let backend: Backend;
let serve: (socket: net.Socket) => void;
const relays = {} as Record<(typeof KINDS)[number], Relay>;

beforeAll(async () => {
  backend = await startBackend((socket) => serve(socket));
  relays['a plain session'] = await startRelay({ BACKENDS: backend.entry, HUBS: '0' });
  relays['a session of a hub'] = await startRelay({ BACKENDS: backend.entry });
});

afterAll(async () => {
  for (const relay of Object.values(relays)) await relay.close();
  await backend?.close();
});

afterEach(() => {
  for (const socket of backend.open) socket.destroy();
});

/** One whose invite is good for one session at a time. */
async function startPrivateRelay(hubs: string): Promise<Relay> {
  const secret = random(32);
  const relay = await startRelay({ BACKENDS: backend.entry, HUBS: hubs, ACCESS: 'invite' }, secret);
  const terms = { id: random(6), expires: Date.now() + 3_600_000, sessions: 1, backends: '' };
  const invite = await signInvite(nodeCipher, await inviteKeyOf(nodeCipher, secret), terms);
  return { ...relay, link: formatLink({ ...parseLink(relay.link), invite }) };
}

/** What a backend has got, and how its connection ended. */
interface Got {
  check: KnownBytesCheck;
  ending: 'end' | string | undefined;
}

/** The next backend reads what a client of `leave` writes; after each piece it does this, and reads on. */
function reads(afterEach: (socket: net.Socket, soFar: number) => Promise<unknown>): Got {
  const got: Got = { check: new KnownBytesCheck(1), ending: undefined };
  serve = (socket) => {
    socket.on('error', ({ message }) => {
      got.ending ??= message;
    });
    socket.on('end', () => {
      got.ending ??= 'end';
      socket.end();
    });
    socket.on('data', async (bytes) => {
      got.check.feed(bytes);
      socket.pause();
      await afterEach(socket, got.check.length);
      socket.resume();
    });
  };
  return got;
}

const write = (socket: net.Socket, length: number) =>
  new Promise((resolve) => socket.write(Buffer.alloc(length), resolve));

/** Writes so much, and closes its socket as soon as all of it is taken. */
async function leave(relay: Relay, length: number): Promise<void> {
  const socket = createConnection(backend.address, { relay: relay.link });
  const bytes = new KnownBytes(1);
  for (let left = length; left > 0; left -= 64 * KiB)
    await new Promise((resolve) => socket.write(bytes.next(Math.min(left, 64 * KiB)), resolve));
  socket.destroy();
  await once(socket, 'close');
}

describe.each(KINDS)('%s whose client closes', (kind) => {
  it.each([
    ['300 KB', 300_000],
    ['4 MiB', 4 * MiB],
  ])('after %s: a backend that reads slowly, and answers each time, gets all of it', async (_, length) => {
    const got = reads((socket) => Promise.all([write(socket, 1), sleep(20)]));
    await leave(relays[kind], length);
    await until('it has ended', () => got.ending !== undefined, 30_000);
    expect([got.check.length, got.ending]).toEqual([length, 'end']);
  });

  it('a backend that reads no more before it has said much gets all of it', async () => {
    const got = reads((socket) => write(socket, 8 * MiB));
    await leave(relays[kind], 300_000);
    await until('it has ended', () => got.ending !== undefined, 30_000);
    expect([got.check.length, got.ending]).toEqual([300_000, 'end']);
  });
});

describe.skipIf(process.platform !== 'linux').each(KINDS)(
  '%s that is aborted while its backend reads nothing',
  (kind) => {
    it('is over at once, for its invite as well, and its backend is let go when the runtime can', async () => {
      serve = (socket) => socket.pause();
      const relay = await startPrivateRelay(kind === 'a plain session' ? '0' : '1');
      const open = () => createConnection(backend.address, { relay: relay.link });
      const socket = open();
      let sent = 0;
      let before = -1;
      const pump = () => {
        do sent += 65_536;
        while (socket.write(Buffer.alloc(65_536)));
        socket.once('drain', pump);
      };
      pump();
      // Two seconds without a byte: the connection is full, and a write waits.
      for (; sent > before; await sleep(2000)) before = sent;
      socket.on('error', () => {}).destroy(new Error('enough'));
      await until('its invite may open another', async () => {
        const next = open();
        const opened = await once(next, 'connect').then(
          () => true,
          () => false,
        );
        next.destroy();
        return opened;
      });
      const [first] = backend.open;
      if (kind === 'a session of a hub') first?.resume();
      await until('nobody holds its connection', () => heldTo(backend.port) === 0, 30_000);
      await relay.close();
    });
  },
);

describe('a plain session whose carrier is lost', () => {
  it('is over, and its backend gets what the relay has received, when it reads on', async () => {
    const got: Got = { check: new KnownBytesCheck(1), ending: undefined };
    let atBackend: net.Socket | undefined;
    serve = (socket) => {
      atBackend = socket.pause();
      socket.on('data', (bytes) => got.check.feed(bytes));
      socket.on('end', () => {
        got.ending = 'end';
        socket.end();
      });
    };
    const client = await RawClient.open(relays['a plain session'].link, openHello(backend.address));
    const told = (of: 'received' | 'limit') =>
      client.frames.reduce((most, frame) => (frame.type === 'ack' ? Math.max(most, frame[of]) : most), 0);
    const bytes = new KnownBytes(1);
    await client.send({ type: 'ack', received: 0, limit: 65_536 });
    let sent = 0;
    // Until its credit is used up, as the connection to the backend is full.
    for (let idle = 0; idle < 20; ) {
      const may = Math.max(WINDOW_INITIAL, told('limit')) - sent;
      const length = Math.min(may, 16_384);
      if (length === 0) {
        idle += 1;
        await sleep(100);
        continue;
      }
      idle = 0;
      await client.send({ type: 'data', offset: sent, bytes: bytes.next(length) });
      sent += length;
    }
    expect(told('received')).toBe(sent);
    client.close();
    await sleep(1000);
    atBackend?.resume();
    await until('its connection has ended', () => got.ending !== undefined, 20_000);
    expect(got.check.length).toBe(sent);
  });
});
