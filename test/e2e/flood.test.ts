/**
 * One holder that floods a relay, in every way that a link allows, and another who opens a session every second. By default each flood
 * lasts two seconds; FLOOD_SECONDS=60 makes it a minute.
 */
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { PuenteAgent } from '../../client/adapters/agent.ts';
import { nodeCipher } from '../../client/node/cipher.ts';
import { type Bytes, toBase64url, toUtf8 } from '../../protocol/bytes.ts';
import { encodeHello } from '../../protocol/carrier/hello.ts';
import { inviteKeyOf, signInvite } from '../../protocol/permits/invite.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import { makeCertificate } from '../support/fixtures/certificate.ts';
import { knock, offering, requestOf, UPGRADE } from '../support/network/exchange.ts';
import { helloFor, openHello, RawClient, random } from '../support/network/raw-client.ts';
import { type Backend, echo, startBackend, startSilentBackend } from '../support/servers/backend.ts';
import { Inspector } from '../support/servers/inspector.ts';
import { serve, type Workerd } from '../support/servers/workerd.ts';
import { until } from '../support/until.ts';

const SECONDS = Number(process.env.FLOOD_SECONDS ?? 2);
const KEY = random(32);
const MIB = 2 ** 20;
/** What the relay's memory may grow by: where sessions are held, what their windows may take; where none is, what is remembered of hellos. */
const HELD_MAX = 64 * MIB;
const REMEMBERED_MAX = 32 * MIB;

let backend: Backend;
/** Hangs up at once. */
let finished: Backend;
let silent: Awaited<ReturnType<typeof startSilentBackend>>;
let relay: Workerd;
let link: string;

beforeAll(async () => {
  backend = await startBackend(echo);
  finished = await startBackend((socket) => socket.end());
  silent = await startSilentBackend();
});

// A new one each time: what a flood leaves behind is nothing to the next.
beforeEach(async () => {
  const entries = [backend.entry, finished.entry, `any://localhost:${silent.address.split(':')[1]}`];
  const vars = { RELAY_KEY: toBase64url(KEY), ACCESS: 'invite', BACKENDS: entries.join(' '), RESUME_SECONDS: '120' };
  relay = await serve(inject('worker'), vars, await makeCertificate(), { inspected: true });
  link = formatLink({ url: `http://127.0.0.1:${relay.port}/`, key: await nodeCipher.publicKey(KEY) });
});

afterEach(() => relay.stop());

afterAll(async () => {
  await silent?.close();
  await finished?.close();
  await backend?.close();
});

async function newInvite(): Promise<Bytes> {
  const terms = { id: random(6), expires: Date.now() + 3_600_000, sessions: 0, backends: '' };
  return signInvite(nodeCipher, await inviteKeyOf(nodeCipher, KEY), terms);
}

/** Whoever floods stops on the signal; what it is refused does not stop it. */
type Flood = (invite: Bytes, over: AbortSignal) => Promise<void>;

/** So many at a time, one after another. */
function flood(atOnce: number, once: (invite: Bytes, count: number) => Promise<unknown>): Flood {
  let count = 0;
  return async (invite, over) => {
    const attack = async () => {
      while (!over.aborted) await once(invite, count++).catch(() => sleep(5));
    };
    await Promise.all(Array.from({ length: atOnce }, attack));
  };
}

const SOURCE = { 'CF-Connecting-IP': '198.51.100.1' };
const open = (invite: Bytes, to: string, headers: Record<string, string> = SOURCE) =>
  RawClient.open(link, openHello(to, { invite, resumable: true }), headers);
const begin = (client: RawClient) => client.send({ type: 'ack', received: 0, limit: 65_536 });

/** In capitals and small letters, another each time. */
function respelt(count: number): string {
  const name = Array.from('localhost', (letter, at) => ((count >> at) & 1 ? letter.toUpperCase() : letter)).join('');
  return `${name}:${silent.address.split(':')[1]}`;
}

const held: RawClient[] = [];

const FLOODS: [string, Flood, number][] = [
  [
    'opens sessions and drops them',
    flood(16, async (invite) => {
      const client = await open(invite, backend.address);
      await begin(client);
      client.close();
    }),
    HELD_MAX,
  ],
  [
    'opens sessions and says nothing',
    flood(16, async (invite) => held.push(await open(invite, backend.address))),
    HELD_MAX,
  ],
  [
    'holds sessions open whose backend has hung up',
    flood(16, async (invite) => {
      const client = await open(invite, finished.address);
      await begin(client);
      held.push(client);
    }),
    HELD_MAX,
  ],
  [
    'names a silent backend in all letter cases',
    flood(64, (invite, count) => open(invite, respelt(count))),
    REMEMBERED_MAX,
  ],
  [
    'comes from a hundred sources',
    flood(16, async (invite, count) => {
      const client = await open(invite, backend.address, { 'CF-Connecting-IP': `203.0.113.${count % 100}` });
      await begin(client);
      held.push(client);
    }),
    HELD_MAX,
  ],
  [
    'sends hellos of a version to come',
    // As fast as one core makes them, from as many sources as the quota of an invite takes.
    flood(24, async (invite, count) => {
      const payload = encodeHello(openHello(backend.address, { invite }), random);
      payload[0] = 2;
      const { protocols } = await helloFor(link, payload);
      const source = `CF-Connecting-IP: 198.51.100.${count % 24}`;
      await knock(relay.port, requestOf('GET / HTTP/1.1', [...UPGRADE, source, ...offering(protocols.join(', '))]));
    }),
    REMEMBERED_MAX,
  ],
];

/** What the relay's isolate keeps: the least that it takes within two seconds, as garbage comes and goes under load. */
async function keptBytes(inspector: Inspector): Promise<number> {
  let least = Infinity;
  for (let samples = 0; samples < 40; samples += 1) {
    least = Math.min(least, await inspector.heapBytes());
    await sleep(50);
  }
  return least;
}

const PATIENCE = { timeout: 1000 * SECONDS + 60_000 };

it.each(FLOODS)('a holder that %s keeps nobody out', PATIENCE, async (_, attack, most) => {
  const honest = await newInvite();
  const home = { 'CF-Connecting-IP': '192.0.2.7' };
  const running: RawClient[] = [];
  const over = new AbortController();
  const inspector = await Inspector.open(relay);
  const before = await keptBytes(inspector);
  const attacking = attack(await newInvite(), over.signal);
  try {
    let slowest = 0;
    for (let second = 0; second < SECONDS; second += 1) {
      await sleep(1000);
      const since = performance.now();
      const client = await open(honest, backend.address, home);
      slowest = Math.max(slowest, performance.now() - since);
      expect(client.grant).toHaveProperty('session');
      await begin(client);
      running.push(client);
    }
    // The contract, not the machine: an honest client is granted within two seconds.
    expect(slowest).toBeLessThan(2000);
    for (const [at, client] of running.entries()) {
      await client.send({ type: 'data', offset: 0, bytes: toUtf8(`message ${at}`) });
      await until('it is echoed', () => client.frames.some(({ type }) => type === 'data'));
      expect(client.frames.filter(({ type }) => type === 'reset')).toEqual([]);
    }
    const kept = (await keptBytes(inspector)) - before;
    console.log(`granted within ${slowest.toFixed(0)} ms; the relay's memory grew by ${(kept / MIB).toFixed(1)} MiB`);
    expect(kept).toBeLessThan(most);
  } finally {
    over.abort();
    inspector.close();
    for (const client of [...running, ...held.splice(0)]) client.close();
    // What still waits is over with the relay.
    attacking.catch(() => {});
  }
});

it('an app that opens 300 sockets at once has 300 answers', async () => {
  const server = http.createServer((request, response) => response.end(`answer to ${request.url}`));
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const vars = { RELAY_KEY: toBase64url(KEY), BACKENDS: `any://127.0.0.1:${port}` };
  const own = await serve(inject('worker'), vars, await makeCertificate());
  const origin = `http://127.0.0.1:${own.port}/`;
  const agent = new PuenteAgent({ relay: formatLink({ url: origin, key: await nodeCipher.publicKey(KEY) }) });
  try {
    const get = (at: number) =>
      new Promise<string>((resolve, reject) => {
        http
          .get(`http://127.0.0.1:${port}/${at}`, { agent }, (response) => text(response).then(resolve, reject))
          .on('error', reject);
      });
    const answers = await Promise.allSettled(Array.from({ length: 300 }, (_, at) => get(at)));
    const wrong = answers.flatMap((answer, at) =>
      answer.status === 'rejected' ? [`${answer.reason}`] : answer.value === `answer to /${at}` ? [] : [answer.value],
    );
    expect(wrong).toEqual([]);
  } finally {
    agent.destroy();
    await own.stop();
    server.closeAllConnections();
    server.close();
  }
});
