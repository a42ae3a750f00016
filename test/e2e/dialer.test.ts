/** Ways around what networks do to a name and its addresses: each is shown blocked for an ordinary client, and got through. */
import { once } from 'node:events';
import https from 'node:https';
import type { LookupFunction, Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { SET_UPS_MAX } from '../../client/node/dialer/known-routes.ts';
import { check, createConnection, type Dial, type DialerOptions, dialer } from '../../client/node/index.ts';
import { toBase64url } from '../../protocol/bytes.ts';
import type { PuenteError } from '../../protocol/errors.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import { type Chain, makeChain, RELAY_NAME } from '../lab/certificate.ts';
import { readServerName } from '../lab/client-hello.ts';
import type { Fault } from '../lab/connection.ts';
import { converse } from '../lab/conversation.ts';
import { delay, filterNames, freezeAfter, type Sight } from '../lab/faults.ts';
import { type Middlebox, startMiddlebox } from '../lab/middlebox.ts';
import { blockFor } from '../support/block.ts';
import { makeCertificate } from '../support/fixtures/certificate.ts';
import { listen } from '../support/network/listen.ts';
import { random } from '../support/network/raw-client.ts';
import { type Backend, echo, startBackend, startSilentBackend } from '../support/servers/backend.ts';
import { type ChatServer, startChatServer } from '../support/servers/chat-server.ts';
import { type DohServer, startDohServer } from '../support/servers/doh-server.ts';
import { serve, type Workerd } from '../support/servers/workerd.ts';
import { until } from '../support/until.ts';

const KEY = random(32);
/** Other loopback addresses: of a host that forged DNS leads to, and one where nobody listens. */
const IMPOSTOR = '127.0.0.3';
const NOBODY = '127.0.0.4';

let chain: Chain;
let relay: Workerd;
let backend: Backend;
let chat: ChatServer;
let network: Middlebox;
/** Of each ClientHello that the network saw whole: in how many records it came, and for whom. */
let hellos: { records: number; name: string }[];
let toClose: (() => unknown)[] = [];

beforeAll(async () => {
  chain = await makeChain();
  const resolver = await makeCertificate();
  tls.setDefaultCACertificates([...tls.getCACertificates(), chain.ca, resolver.cert]);
  resolverCertificate = resolver;
  backend = await startBackend(echo);
  chat = await startChatServer();
  const BACKENDS = `${backend.entry} 127.0.0.1:${chat.port}`;
  relay = await serve(inject('worker'), { RELAY_KEY: toBase64url(KEY), BACKENDS }, chain);
});
let resolverCertificate: Awaited<ReturnType<typeof makeCertificate>>;

afterAll(async () => {
  await relay.stop();
  await backend.close();
  await chat.close();
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const socket of backend.open) socket.destroy();
  for (const close of toClose.reverse()) await close();
  toClose = [];
});

const noticed: Fault = () => {
  let seen: Buffer | undefined = Buffer.alloc(0);
  return (packet, direction) => {
    if (!seen || direction === 'down') return undefined;
    seen = Buffer.concat([seen, packet]);
    const found = readServerName(seen);
    if (found === 'more') return undefined;
    if (found) hellos.push({ name: found.name, records: handshakeRecords(seen) });
    seen = undefined;
    return undefined;
  };
};

function handshakeRecords(stream: Buffer): number {
  let count = 0;
  for (let at = 0; at + 5 <= stream.length && stream[at] === 22; at += 5 + stream.readUInt16BE(at + 3)) count += 1;
  return count;
}

/** What is known of a way is kept by the relay's name and port: each test has a network, and so a port, of its own. */
async function over(faults: Fault[] = []): Promise<void> {
  network = await startMiddlebox(relay.tlsPort, [noticed, ...faults]);
  toClose.push(() => network.close());
  hellos = [];
}

async function link(port = network.port, name = RELAY_NAME): Promise<string> {
  return formatLink({ url: `https://${name}:${port}/`, key: await nodeCipher.publicKey(KEY) });
}

/** A resolver that leads there. */
const leadingTo =
  (...addresses: string[]): LookupFunction =>
  (_name, _options, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    );

function dialling(options: DialerOptions = {}): Dial {
  return dialer({ lookup: leadingTo('127.0.0.1'), doh: [], ...options });
}

/** What becomes of a socket: `through` when the backend has echoed, or the code of its error. */
async function outcome(dial: Dial, relayLink?: string): Promise<string> {
  const socket = createConnection(backend.address, { relay: relayLink ?? (await link()), dial });
  try {
    return await new Promise((resolve) => {
      socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? ''));
      socket.on('data', (bytes: Buffer) => resolve(bytes.toString()));
      socket.write('through');
    });
  } finally {
    socket.destroy();
  }
}

/** The same for a TLS client as any other. */
async function ordinarily(name: string, lookup = leadingTo('127.0.0.1'), port = network.port): Promise<string> {
  const socket = tls.connect({ port, host: name, servername: name, lookup });
  const timer = setTimeout(() => socket.destroy(Object.assign(new Error('late'), { code: 'ETIMEDOUT' })), 3000);
  try {
    await once(socket, 'secureConnect');
    return 'through';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? '';
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** Somebody else's server at the network's port of another address; counts requests. */
async function startImpostor(port = network.port, host = IMPOSTOR): Promise<{ requests: number }> {
  const heard = { requests: 0 };
  const certificate = await makeCertificate();
  const server: Server = https.createServer(certificate, (_request, response) => {
    heard.requests += 1;
    response.end();
  });
  const { close } = await listen(server, port, host);
  toClose.push(close);
  return heard;
}

async function resolver(addresses: string[]): Promise<DohServer> {
  const server = await startDohServer(resolverCertificate, { [RELAY_NAME]: addresses });
  toClose.push(() => server.close());
  return server;
}

/** A zone that its name is in. */
const LISTED = [RELAY_NAME.split('.').slice(-3).join('.')];

/** The relay by a name of this machine's own: that it leads to loopback is no forgery. */
const LOCAL = 'localhost';

describe('a network that does nothing', () => {
  it('sees one ordinary ClientHello for each connection', async () => {
    await over();
    const dial = dialling();
    expect([await outcome(dial), await outcome(dial)]).toEqual(['through', 'through']);
    expect(hellos).toEqual([
      { name: RELAY_NAME, records: 1 },
      { name: RELAY_NAME, records: 1 },
    ]);
    expect(network.accepted).toBe(2);
  });

  it('sees as many at once as there are sockets, whatever the budget', async () => {
    await over();
    const dial = dialling();
    const all = await Promise.all(Array.from({ length: 12 }, () => outcome(dial)));
    expect(all).toEqual(Array(12).fill('through'));
    expect(hellos).toHaveLength(12);
  });

  it('is not taken for one that filters when it is slow', async () => {
    await over([delay(1400)]);
    const relayLink = await link(network.port, LOCAL);
    const dial = dialling();
    expect(await outcome(dial, relayLink)).toBe('through');
    // Silent for 2.5 s, and so another beside it; but the first is the one that was there first.
    expect(hellos.map(({ records }) => records > 1)).toEqual([false, true]);
    network.faults = [noticed];
    expect(await outcome(dial, relayLink)).toBe('through');
    expect(hellos.at(-1)?.records).toBe(1);
  });
});

describe('a name that is filtered', () => {
  it.each<[Sight, 'rst' | 'freeze']>([
    ['packet', 'rst'],
    ['packet', 'freeze'],
    ['stream', 'rst'],
    ['stream', 'freeze'],
  ])('by %s, with %s, is said in parts', async (sight, answer) => {
    await over([filterNames([LOCAL], answer, sight)]);
    expect(await ordinarily(LOCAL)).toBe(answer === 'rst' ? 'ECONNRESET' : 'ETIMEDOUT');
    hellos = [];
    const dial = dialling();
    expect(await outcome(dial, await link(network.port, LOCAL))).toBe('through');
    expect(hellos.at(-1)?.records).toBeGreaterThan(1);
    // The way is known now: at once, and the only one.
    const before = network.accepted;
    expect(await outcome(dial, await link(network.port, LOCAL))).toBe('through');
    expect(network.accepted).toBe(before + 1);
    expect(hellos.at(-1)?.records).toBeGreaterThan(1);
  });

  it('by whoever puts the handshake together again stays blocked, and the app is told so', async () => {
    await over([filterNames([LOCAL], 'rst', 'handshake')]);
    expect(await outcome(dialling(), await link(network.port, LOCAL))).toBe('name-blocked');
    expect(hellos.map(({ records }) => records > 1)).toEqual([false, true]);
  });

  it('stays blocked there, but not at another address', async () => {
    await over();
    const elsewhere = network;
    await over([filterNames([LOCAL], 'rst', 'handshake')]);
    const dial = dialling({ addresses: [`127.0.0.1:${elsewhere.port}`] });
    expect(await outcome(dial, await link(network.port, LOCAL))).toBe('through');
    expect(hellos.map(({ records }) => records > 1)).toEqual([false, true, true]);
  });

  it('is no stage that fails, for a check', async () => {
    await over([filterNames([LOCAL], 'rst', 'stream')]);
    const [report] = (
      await check(await link(network.port, LOCAL), { backend: `127.0.0.1:${chat.port}`, dial: dialling() })
    ).relays;
    expect(report).toMatchObject({ ok: true, code: null });
    const stages = ['dns', 'tcp', 'tls', 'upgrade', 'hello', 'grant', 'backend', 'answer', 'bulk'];
    expect(report?.stages.map(({ stage, ok }) => [stage, ok])).toEqual(stages.map((stage) => [stage, true]));
  });
});

describe('forged DNS', () => {
  it.each([
    ['leads to nobody', NOBODY],
    ['leads to another server', IMPOSTOR],
  ])('that %s is gone around by DNS over HTTPS', async (_, address) => {
    await over();
    const heard = await startImpostor();
    const lookup = leadingTo(address);
    expect(await outcome(dialling({ lookup }))).toBe('name-forged');
    const doh = await resolver(['127.0.0.1']);
    const dial = dialling({ lookup, doh: [doh.url] });
    expect(await outcome(dial)).toBe('through');
    expect(doh.asked.sort()).toEqual([`${RELAY_NAME} 1`, `${RELAY_NAME} 28`]);
    // The answer is kept with the way.
    expect(await outcome(dial)).toBe('through');
    expect(doh.asked).toHaveLength(2);
    expect([hellos.length, heard.requests]).toEqual([2, 0]);
  });

  it('that has no answer is, too', async () => {
    await over();
    const lookup: LookupFunction = (_name, _options, done) =>
      done(Object.assign(new Error(), { code: 'ENOTFOUND' }), []);
    expect(await outcome(dialling({ lookup }))).toBe('name-unknown');
    const doh = await resolver(['127.0.0.1']);
    expect(await outcome(dialling({ lookup, doh: [doh.url] }))).toBe('through');
  });

  it('is not believed of a resolver either: the certificate is what counts', async () => {
    await over();
    const heard = await startImpostor();
    const doh = await resolver([IMPOSTOR]);
    const code = await outcome(dialling({ lookup: leadingTo(NOBODY), doh: [doh.url] }));
    // Whether the resolver was heard in time at all is told together with the code.
    expect([code, doh.asked.sort()]).toEqual(['not-trusted', [`${RELAY_NAME} 1`, `${RELAY_NAME} 28`]]);
    expect(heard.requests).toBe(0);
  });

  it('stays, when the only resolver has a certificate that nobody trusts, or answers nonsense', async () => {
    await over();
    const untrusted = await startDohServer(await makeCertificate(), { [RELAY_NAME]: ['127.0.0.1'] });
    const nonsense = await listen(
      https.createServer(resolverCertificate, (_request, response) => response.end('x'.repeat(9000))),
    );
    toClose.push(untrusted.close, nonsense.close);
    const doh = [untrusted.url, `https://127.0.0.1:${nonsense.port}/`];
    expect(await outcome(dialling({ lookup: leadingTo(NOBODY), doh }))).toBe('name-forged');
    expect(untrusted.asked).toEqual([]);
  });
});

describe('a blocked address', () => {
  it('that refuses is replaced by another that was given', async () => {
    await over();
    const lookup = leadingTo(NOBODY);
    expect(await ordinarily(RELAY_NAME, lookup)).toBe('ECONNREFUSED');
    const dial = dialling({ lookup, addresses: [NOBODY, `127.0.0.1:${network.port}`] });
    expect([await outcome(dial), await outcome(dial)]).toEqual(['through', 'through']);
    expect(hellos).toHaveLength(2);
  });

  it('that is silent is, too', async () => {
    await over();
    const silent = await startSilentBackend();
    toClose.push(() => silent.close());
    const port = Number(silent.address.split(':')[1]);
    expect(await ordinarily(RELAY_NAME, undefined, port)).toBe('ETIMEDOUT');
    const dial = dialling({ addresses: [`127.0.0.1:${network.port}`] });
    expect(await outcome(dial, await link(port))).toBe('through');
  });

  it('of several of the name, while others are not, costs a moment', async () => {
    await over();
    expect(await outcome(dialling({ lookup: leadingTo(NOBODY, '127.0.0.1') }))).toBe('through');
  });

  it('at which somebody else answers is replaced, and nothing said there', async () => {
    await over();
    const heard = await startImpostor();
    const relayLink = await link(network.port, LOCAL);
    const options = { lookup: leadingTo(IMPOSTOR), addresses: ['127.0.0.1'] };
    expect(await outcome(dialling({ ...options, addresses: [] }), relayLink)).toBe('not-trusted');
    expect(await outcome(dialling(options), relayLink)).toBe('through');
    // Another address never makes another certificate do.
    await over();
    const other = await startImpostor();
    const another = dialling({ lookup: leadingTo(NOBODY), addresses: [IMPOSTOR] });
    expect(await outcome(another, await link(network.port, LOCAL))).toBe('not-trusted');
    expect([heard.requests, other.requests]).toEqual([0, 0]);
  });

  it('that is no address is an error of the caller', () => {
    for (const address of ['', 'host:0', 'host:65536', '[::1', '::1:x', 'a b', 'https://a/'])
      expect(() => dialer({ addresses: [address] }), address).toThrow(
        expect.objectContaining({ code: 'address-invalid' }),
      );
    expect(() =>
      dialer({ addresses: ['104.16.0.1', '[2606:4700::1111]:443', '2606:4700::1111', 'a-b.example:8443'] }),
    ).not.toThrow();
  });
});

describe('the budget', () => {
  it('is three ClientHellos with the name in a minute, however often an app tries', async () => {
    let ahead = 0;
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + ahead);
    await over([filterNames([LOCAL], 'rst', 'handshake')]);
    const other = await startMiddlebox(relay.tlsPort, network.faults);
    toClose.push(() => other.close());
    const dial = dialling({ addresses: [`127.0.0.1:${other.port}`] });
    const relayLink = await link(network.port, LOCAL);
    const together = await Promise.all(Array.from({ length: 5 }, () => outcome(dial, relayLink)));
    for (let times = 0; times < 5; times += 1) together.push(await outcome(dial, relayLink));
    expect(together).toEqual(Array(10).fill('name-blocked'));
    expect(hellos).toHaveLength(3);
    ahead = 59_000;
    expect(await outcome(dial, relayLink)).toBe('name-blocked');
    expect(hellos).toHaveLength(3);
    ahead = 61_000;
    network.faults = [noticed];
    expect(await outcome(dial, relayLink)).toBe('through');
    expect(hellos).toHaveLength(4);
  });

  it('counts a way that works no more: once', async () => {
    await over();
    const relayLink = await link(network.port, LOCAL);
    const dial = dialling();
    expect(await outcome(dial, relayLink)).toBe('through');
    network.faults = [noticed, filterNames([LOCAL], 'rst', 'stream')];
    hellos = [];
    const all = await Promise.all(Array.from({ length: 5 }, () => outcome(dial, relayLink)));
    expect(all).toEqual(Array(5).fill('through'));
    // Five that were under way; one that tried again, found the next way, and showed it to the others.
    expect(hellos.filter(({ records }) => records === 1)).toHaveLength(6);
    expect(hellos.filter(({ records }) => records > 1)).toHaveLength(5);
  });
});

describe('a relay that starts anew, and resets connections meanwhile', () => {
  it('is there again for all, on the way that worked before', async () => {
    await over();
    const relayLink = await link(network.port, LOCAL);
    const dial = dialling();
    expect(await outcome(dial, relayLink)).toBe('through');
    hellos = [];
    network.faults = [noticed, filterNames([LOCAL], 'rst', 'handshake')];
    const all = Promise.all(Array.from({ length: 5 }, () => outcome(dial, relayLink)));
    await until('all were reset', () => hellos.length === 5);
    await sleep(300);
    network.faults = [noticed];
    expect(await all).toEqual(Array(5).fill('through'));
    // Five that were reset, one that tried again, and the four that followed it.
    expect(hellos.map(({ records }) => records)).toEqual(Array(10).fill(1));
  });
});

describe('a hundred at once', () => {
  /** What becomes of a WebSocket that says nothing: the relay's answer to strangers, once it is through. */
  const knock = (dial: Dial) =>
    new Promise<string>((resolve) => {
      const events = { message: () => {}, closed: ({ code }: PuenteError) => resolve(code) };
      dial(`wss://${LOCAL}:${network.port}`, [], events, false);
    });
  const THROUGH = 'not-admitted';

  it('are through, however long their own process was blocked', async () => {
    await over();
    const dial = dialling();
    expect(await knock(dial)).toBe(THROUGH);
    const all = Array.from({ length: 100 }, () => knock(dial));
    await until('some are under way', () => network.accepted > 5);
    // Longer than any network is given.
    blockFor(10_500);
    expect(await Promise.all(all)).toEqual(Array(100).fill(THROUGH));
    expect(network.accepted).toBe(101);
  });

  it('wait for a relay that is busy, and look for no other way', async () => {
    let [waiting, most] = [0, 0];
    let last: Promise<unknown> = Promise.resolve();
    /** Lets one ClientHello through after another. */
    const busy: Fault = () => {
      let isFirst = true;
      return (_packet, direction) => {
        if (!isFirst || direction === 'down') return undefined;
        isFirst = false;
        waiting += 1;
        most = Math.max(most, waiting);
        last = last.then(() => sleep(120));
        return last.then(() => {
          waiting -= 1;
          return undefined;
        });
      };
    };
    await over();
    const dial = dialling();
    expect(await knock(dial)).toBe(THROUGH);
    network.faults = [noticed, busy];
    // The last of those under way is silent for nearly four seconds, and there are others after it.
    const count = SET_UPS_MAX + 8;
    const all = Array.from({ length: count }, () => knock(dial));
    expect(await Promise.all(all)).toEqual(Array(count).fill(THROUGH));
    // Another way would be another connection.
    expect(network.accepted).toBe(1 + count);
    expect(most).toBeLessThanOrEqual(SET_UPS_MAX);
    // The first may be through before the last of those at once is there.
    expect(most).toBeGreaterThan(SET_UPS_MAX / 2);
  });
});

it('leaves nothing open when it is given up', async () => {
  const mute = await startBackend((socket) => socket.on('end', () => socket.destroy()).resume());
  toClose.push(() => mute.close());
  const socket = createConnection(backend.address, { relay: await link(mute.port), dial: dialling() });
  socket.on('error', () => {});
  await until('it is there', () => mute.open.size === 1);
  socket.destroy();
  await until('it is closed', () => mute.open.size === 0, 2000);
});

it('crosses forged DNS, a name filter and connections that freeze after 16 KB, all at once', {
  timeout: 240_000,
}, async () => {
  await over([filterNames(LISTED, 'rst', 'stream'), freezeAfter({ bytes: 16_000 })]);
  await startImpostor();
  const lookup = leadingTo(IMPOSTOR);
  expect(await ordinarily(RELAY_NAME, lookup)).not.toBe('through');
  expect(await ordinarily(RELAY_NAME)).toBe('ECONNRESET');
  hellos = [];
  const doh = await resolver(['127.0.0.1']);
  const dial = dialling({ lookup, doh: [doh.url] });
  const relayLink = await link();
  const open = () => createConnection(`127.0.0.1:${chat.port}`, { relay: relayLink, dial, allowHalfOpen: true });
  const delivery = await converse(open, { ca: chat.ca, messages: 100, pictureSize: 64 * 1024, deadline: 200_000 });
  expect(delivery).toMatchObject({ lost: 0, duplicated: 0 });
  // One whole, at the address that the resolver told; all others in parts.
  expect(hellos.filter(({ records }) => records === 1)).toHaveLength(1);
  expect(hellos.length).toBeGreaterThan(10);
});
