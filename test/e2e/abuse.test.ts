/** What one source, one invite and clients that never finish opening may take: the Worker with its rate limiters. */
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { type Bytes, toBase64url } from '../../protocol/bytes.ts';
import { refusalOf, toWire } from '../../protocol/errors.ts';
import { inviteKeyOf, signInvite } from '../../protocol/permits/invite.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import { HUB_SESSIONS_MAX } from '../../worker/session/hubs.ts';
import { makeCertificate } from '../support/fixtures/certificate.ts';
import { openHello, RawClient, random } from '../support/network/raw-client.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { type LocalRelay, startRelay } from '../support/servers/harness-relay.ts';
import { serve, type Workerd } from '../support/servers/workerd.ts';
import { until } from '../support/until.ts';

const KEY = random(32);
/** Refuses every connection, which is no fault of a client's. */
const DOWN = '127.0.0.1:1';
const FORBIDDEN = '127.0.0.1:2';
/** As wrangler.toml has it. */
const FAULTS_PER_MINUTE = 20;

const KINDS = [
  ['plain sessions', false],
  ['sessions of a hub', true],
] as const;

let backend: Backend;
let open: LocalRelay;
let invited: LocalRelay;
/** A private one whose invites may open five sessions in a minute. */
let scarce: LocalRelay;
const SCARCE_OPENS = 5;
/** A private one on plain workerd, which has no rate limiters. */
let bare: Workerd;
let bareLink: string;

beforeAll(async () => {
  backend = await startBackend(echo);
  const vars = { BACKENDS: `${backend.entry}, ${DOWN}` };
  open = await startRelay(vars, KEY);
  const isPrivate = { ...vars, ACCESS: 'invite' };
  invited = await startRelay(isPrivate, KEY);
  scarce = await startRelay(isPrivate, KEY, 'test/scarce/wrangler.toml');
  const secrets = { RELAY_KEY: toBase64url(KEY) };
  bare = await serve(inject('worker'), { ...isPrivate, ...secrets }, await makeCertificate());
  bareLink = formatLink({ url: `http://127.0.0.1:${bare.port}/`, key: await nodeCipher.publicKey(KEY) });
});

afterAll(async () => {
  await bare.stop();
  await scarce.close();
  await invited.close();
  await open.close();
  await backend.close();
});

interface Asked {
  link?: string;
  backend?: string;
  resumable?: boolean;
  invite?: Bytes;
  /** The client's address. Each test has its own: a source that is over its limit stays so for a minute. */
  source?: string;
}

function ask({ link = open.link, backend: to = backend.address, source, ...varied }: Asked): Promise<RawClient> {
  return RawClient.open(link, openHello(to, varied), source ? { 'CF-Connecting-IP': source } : {});
}

const codeOf = ({ grant }: RawClient) => ('refusal' in grant ? refusalOf(grant.refusal) : 'granted');

const begin = (client: RawClient) => client.send({ type: 'ack', received: 0, limit: 65_536 });
const end = (client: RawClient) => client.send({ type: 'reset', code: toWire('aborted') });

/** A session that was granted, with its first record sent. */
async function session(asked: Asked): Promise<RawClient> {
  const client = await ask(asked);
  expect(codeOf(client)).toBe('granted');
  await begin(client);
  return client;
}

/** How a hello is answered; a session that was granted is ended. */
async function answerTo(asked: Asked): Promise<string | undefined> {
  const client = await ask(asked);
  if (codeOf(client) === 'granted') await end(client);
  await client.closed;
  return codeOf(client);
}

async function many<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count)
    made.push(...(await Promise.all(Array.from({ length: Math.min(32, count - made.length) }, make))));
  return made;
}

const endAll = async (clients: RawClient[]) => {
  for (const client of clients) await end(client);
  await Promise.all(clients.map(({ closed }) => closed));
};

describe.each(KINDS)('a source of faults, in %s', (_, resumable) => {
  const net = resumable ? '198.51.100' : '192.0.2';

  const faults: [string, string, (source: string) => Promise<string | undefined>][] = [
    ['asks for what is not on the list', '1', (source) => answerTo({ source, resumable, backend: FORBIDDEN })],
    [
      'breaks the protocol',
      '2',
      async (source) => {
        const client = await ask({ source, resumable });
        if (codeOf(client) === 'granted') client.sendRaw('text');
        await client.closed;
        return codeOf(client);
      },
    ],
  ];

  it.each(faults)('that %s is limited, and nobody else', async (_, host, fault) => {
    const source = `${net}.${host}`;
    let count = 0;
    while ((await fault(source)) !== 'limited') count += 1;
    // The limiter's minutes are those of the clock, and one may have begun in between.
    expect(count).toBeGreaterThan(FAULTS_PER_MINUTE);
    expect(count).toBeLessThanOrEqual(2 * FAULTS_PER_MINUTE + 1);
    expect(await answerTo({ source, resumable })).toBe('limited');
    expect(await answerTo({ source, resumable, backend: FORBIDDEN })).toBe('limited');
    expect(await answerTo({ source: `${net}.9`, resumable })).toBe('granted');
    expect(await site(source)).toEqual(await site(`${net}.9`));
  });

  it('that does nothing wrong is never limited, however much it opens, loses, or finds down', async () => {
    const source = `${net}.20`;
    const sessions = await many(100, () => session({ source, resumable }));
    for (const [at, client] of sessions.entries()) {
      if (at % 2 === 0) await end(client);
      else client.close();
    }
    const down = await many(2 * FAULTS_PER_MINUTE, () => answerTo({ source, resumable, backend: DOWN }));
    expect(new Set(down)).toEqual(new Set(['backend-down']));
    expect(await answerTo({ source, resumable })).toBe('granted');
  });
});

/** What a visitor from this address gets. */
async function site(source: string): Promise<{ status: number | undefined; body: string }> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get(open.origin, { headers: { 'CF-Connecting-IP': source } }, resolve).on('error', reject);
  });
  return { status: response.statusCode, body: await text(response) };
}

it('an IPv6 network of 64 bits is one source, however its addresses are written', async () => {
  const [source, neighbour, stranger] = ['2001:db8::1', '2001:db8:0:0:1::1', '2001:db8:0:1::1'];
  while ((await answerTo({ source, backend: FORBIDDEN })) !== 'limited');
  expect(await answerTo({ source: neighbour })).toBe('limited');
  expect(await answerTo({ source: stranger })).toBe('granted');
});

async function invite(sessions = 0): Promise<Bytes> {
  const terms = { id: random(6), expires: Date.now() + 60_000, sessions, backends: '' };
  return signInvite(nodeCipher, await inviteKeyOf(nodeCipher, KEY), terms);
}

describe.each(KINDS)('an invite, for %s', (_, resumable) => {
  it.each([
    ['with limiters', () => invited.link],
    ['without', () => bareLink],
  ])('to two has two at a time, at a relay %s', async (_, link) => {
    const mine = { link: link(), resumable, invite: await invite(2) };
    const both = [await session(mine), await session(mine)];
    for (let attempt = 0; attempt < 5; attempt++) expect(await answerTo(mine)).toBe('limited');
    expect(await answerTo({ ...mine, invite: await invite(2) })).toBe('granted');
    await endAll(both.splice(0, 1));
    // What never became a session has left no place behind, and taken none.
    for (const refused of [DOWN, FORBIDDEN])
      await until('a place is free', async () => (await answerTo({ ...mine, backend: refused })) !== 'limited');
    both.push(await session(mine));
    expect(await answerTo(mine)).toBe('limited');
    await endAll(both);
  });

  it('opens so many in a minute, and others are not kept waiting', async () => {
    const mine = { link: scarce.link, resumable, invite: await invite() };
    let count = 0;
    while ((await answerTo(mine)) !== 'limited') count += 1;
    expect(count).toBeGreaterThanOrEqual(SCARCE_OPENS);
    expect(count).toBeLessThanOrEqual(2 * SCARCE_OPENS);
    expect(await answerTo({ ...mine, invite: await invite() })).toBe('granted');
  });
});

describe.each(KINDS)('clients that never say anything, in %s', (_, resumable) => {
  it('leave places to others', async () => {
    // Another source for each kind: to say nothing is a fault.
    const source = `203.0.113.${resumable ? 66 : 65}`;
    const silent = await many(HUB_SESSIONS_MAX, () => ask({ resumable, source }));
    const granted = silent.filter((client) => codeOf(client) === 'granted');
    expect(granted.length).toBeGreaterThan(300);
    if (resumable) expect(granted.length).toBeLessThan(HUB_SESSIONS_MAX);
    expect(await answerTo({ resumable, source: '203.0.113.67' })).toBe('granted');
    await endAll(granted);
  });
});

it('one invite gets most of a hub, and the next when one of its sessions has ended', async () => {
  const asked = { link: bareLink, resumable: true, invite: await invite() };
  const sessions = await many(300, () => session(asked));
  for (let next = await ask(asked); codeOf(next) === 'granted'; next = await ask(asked)) {
    await begin(next);
    sessions.push(next);
  }
  expect(sessions.length).toBeLessThan(HUB_SESSIONS_MAX);
  expect(await answerTo({ ...asked, invite: await invite() })).toBe('granted');
  await endAll(sessions.splice(0, 1));
  expect(await answerTo(asked)).toBe('granted');
  await endAll(sessions);
});

it('a relay without rate limiters works, and limits no source', async () => {
  const asked = { link: bareLink, source: '203.0.113.1', invite: await invite() };
  const answers = await many(3 * FAULTS_PER_MINUTE, () => answerTo({ ...asked, backend: FORBIDDEN }));
  expect(new Set(answers)).toEqual(new Set(['backend-not-allowed']));
  expect(await answerTo(asked)).toBe('granted');
});
