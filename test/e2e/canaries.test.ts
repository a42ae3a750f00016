/**
 * Nothing of a user is logged, stored or sent on. Marked addresses, agents, invites, names and bytes go through real
 * sessions of every kind and end, and are then searched for wherever they could have been left.
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type net from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { transform } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { createConnection } from '../../client/node/index.ts';
import { type Bytes, EMPTY, toBase64url, toUtf8 } from '../../protocol/bytes.ts';
import { encodeHello } from '../../protocol/carrier/hello.ts';
import { type Code, refusalOf, resetOf, toWire } from '../../protocol/errors.ts';
import { inviteKeyOf, signInvite } from '../../protocol/permits/invite.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import { askStatus } from '../../volunteer/relay/ask-status.ts';
import type { Bundle } from '../../volunteer/relay/bundle.ts';
import { ROOT } from '../support/command.ts';
import { failure } from '../support/failure.ts';
import { Canaries } from '../support/fixtures/canaries.ts';
import { type Certificate, makeCertificate } from '../support/fixtures/certificate.ts';
import { helloFor, openHello, RawClient, random } from '../support/network/raw-client.ts';
import { type Backend, startBackend } from '../support/servers/backend.ts';
import { startRelay } from '../support/servers/harness-relay.ts';
import { serve } from '../support/servers/workerd.ts';
import { until } from '../support/until.ts';

const KEY = random(32);
const INVITE_ID = random(6);
/** All of 127.0.0.0/8 is loopback, and nothing else is here. */
const BACKEND_HOST = '127.83.71.59';
const FORBIDDEN = 'canary-forbidden.example:443';
const NOWHERE = 'canary-nowhere.invalid:443';
const PAYLOAD = 'canary-payload-2f81c0';
const BREAK = 'canary-payload-break';
const VISITOR = {
  'CF-Connecting-IP': '203.0.113.177',
  'X-Forwarded-For': '2001:db8:ca7a:17::9',
  'User-Agent': 'CanaryAgent/7.3',
  Cookie: 'visitor=canary-cookie-5e1f',
  Referer: 'https://canary-referrer.example/',
  Authorization: 'Bearer canary-authorization',
};

let canaries: Canaries;
let backend: Backend;
/** Expects TLS. */
let strict: Backend;
let decoy: Backend;
/** What each of their connections has received. */
let upstream: Buffer[];
let visits: Buffer[];
let invite: Bytes;
let narrow: Bytes;
let built: Bundle;
let certificate: Certificate;

beforeAll(async () => {
  backend = await startBackend((socket) => {
    record(socket, upstream);
    socket.on('data', (bytes) => (String(bytes).includes(BREAK) ? socket.resetAndDestroy() : socket.write(bytes)));
    socket.on('end', () => socket.end());
  }, BACKEND_HOST);
  strict = await startBackend((socket) => record(socket, upstream), BACKEND_HOST);
  decoy = await startBackend((socket) => {
    record(socket, visits);
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nroses'));
  });
  invite = await signed(0);
  narrow = await signed(1);
  built = inject('worker');
  certificate = await makeCertificate();
});

afterAll(async () => {
  await decoy.close();
  await strict.close();
  await backend.close();
});

/** What a test that fails leaves running. */
let running: Relay['close'] | undefined;

afterEach(async () => {
  await running?.();
  running = undefined;
  for (const { open } of [backend, strict]) for (const socket of open) socket.destroy();
});

function record(socket: net.Socket, into: Buffer[]): void {
  const at = into.push(Buffer.alloc(0)) - 1;
  socket.on('data', (bytes: Buffer) => {
    into[at] = Buffer.concat([into[at] as Buffer, bytes]);
  });
}

async function signed(sessions: number): Promise<Bytes> {
  const terms = { id: INVITE_ID, expires: Date.now() + 60 * 60_000, sessions, backends: '' };
  return signInvite(nodeCipher, await inviteKeyOf(nodeCipher, KEY), terms);
}

/** A new set, so that the session ids of one relay are not searched for at the next. */
function plantAll(): void {
  canaries = new Canaries();
  upstream = [];
  visits = [];
  for (const [name, value] of Object.entries(VISITOR)) canaries.plant(name, value);
  canaries.plant('network', '203.0.113.');
  canaries.plant('network', '2001:db8:ca7a:17');
  canaries.plant('agent', 'CanaryAgent');
  canaries.plant('invite', invite);
  canaries.plant('invite id', INVITE_ID);
  canaries.plant('invite MAC', invite.slice(-16));
  canaries.plant('relay key', KEY);
  canaries.plant('backend', BACKEND_HOST);
  canaries.plant('backend', 'canary-forbidden');
  canaries.plant('backend', 'canary-nowhere');
  canaries.plant('payload', 'canary-payload');
  // A test that sees only some of a value, or a value in pieces, still finds this.
  canaries.plant('any', 'canary');
}

/** What workerd itself prints of a name that does not resolve, without the name. */
const LOOKUP = /^.*Socket proxy disconnected abruptly.* failed to lookup address.*\n?(stack: .*\n?)?/gm;

interface Relay {
  link: string;
  output(): string;
  stored(): Uint8Array[];
  close(): Promise<void>;
}

const linkOf = async (origin: string, isPrivate: boolean) =>
  formatLink({ url: origin, key: await nodeCipher.publicKey(KEY), ...(isPrivate && { invite }) });

type Start = (isPrivate: boolean) => Promise<Relay>;

function settings(isPrivate: boolean): Record<string, string> {
  const BACKENDS = `${backend.entry} ${strict.address} ${NOWHERE}`;
  return isPrivate ? { BACKENDS, ACCESS: 'invite', DECOY_URL: `http://${decoy.address}/` } : { BACKENDS };
}

const inHarness: Start = async (isPrivate) => {
  const relay = await startRelay(settings(isPrivate), KEY);
  const link = await linkOf(relay.origin, isPrivate);
  return { link, output: relay.logs, stored: () => [], close: relay.close };
};

const inWorkerd: Start = async (isPrivate) => {
  const vars = { ...settings(isPrivate), RELAY_KEY: toBase64url(KEY) };
  const relay = await serve(built, vars, certificate, { kept: true });
  const link = await linkOf(`http://127.0.0.1:${relay.port}/`, isPrivate);
  return { link, output: relay.output, stored: relay.stored, close: relay.stop };
};

/** A user of one relay, who keeps what they are told. */
class User {
  readonly link: string;
  readonly resumable: boolean;
  readonly told: Uint8Array[] = [];

  constructor(link: string, resumable: boolean) {
    this.link = link;
    this.resumable = resumable;
  }

  get invite(): Bytes {
    return parseLink(this.link).invite ?? EMPTY;
  }

  async ask(to = backend.address, varied: Parameters<typeof openHello>[1] = {}): Promise<RawClient> {
    const { resumable, link } = this;
    return this.#keep(
      await RawClient.open(link, openHello(to, { resumable, invite: this.invite, ...varied }), VISITOR),
    );
  }

  async resume(client: RawClient, carrier: number, received: number): Promise<RawClient> {
    return this.#keep(await client.resume(this.link, carrier, { received, limit: received + 65_536 }));
  }

  #keep(client: RawClient): RawClient {
    this.told.push(client.grantPayload);
    if ('session' in client.grant && client.grant.session.length > 0)
      canaries.plant('session id', client.grant.session.slice(1));
    return client;
  }

  /** A session that has carried the payload there and back. */
  async session(early = false): Promise<RawClient> {
    const payload = toUtf8(PAYLOAD);
    const client = await this.ask(backend.address, early ? { earlyData: payload } : {});
    await client.send({ type: 'ack', received: 0, limit: 65_536 });
    if (!early) await client.send({ type: 'data', offset: 0, bytes: payload });
    await until('the echo', () => client.frames.some(({ type }) => type === 'data'));
    return client;
  }

  async refused(code: Code, to?: string, varied = {}): Promise<void> {
    const client = await this.ask(to, varied);
    await client.closed;
    expect('refusal' in client.grant && refusalOf(client.grant.refusal)).toBe(code);
    // And nothing else.
    expect(client.grantPayload.slice(2).every((byte) => byte === 0)).toBe(true);
  }
}

async function endsWith(code: Code, client: RawClient): Promise<void> {
  await client.closed;
  expect(client.frames.flatMap((frame) => (frame.type === 'reset' ? [resetOf(frame.code)] : []))).toEqual([code]);
}

/** Every way in which a session ends. */
async function sessions(user: User): Promise<void> {
  const offset = PAYLOAD.length;
  const finished = await user.session(true);
  await finished.send({ type: 'fin', offset });
  await until('the FIN', () => finished.frames.some(({ type }) => type === 'fin'));
  await finished.send({ type: 'ack', received: offset + 1, limit: 65_536 });
  await finished.closed;

  const broken = await user.session();
  await broken.send({ type: 'data', offset, bytes: toUtf8(BREAK) });
  await endsWith('backend-reset', broken);

  for (const [code, breach] of [
    ['bad-record', (client: RawClient) => client.sendRaw(`${PAYLOAD} as text`)],
    ['bad-frame', (client: RawClient) => client.sendPlaintext(toUtf8(`\xff${PAYLOAD}`))],
    ['bad-offset', (client: RawClient) => client.send({ type: 'data', offset: 99, bytes: toUtf8(PAYLOAD) })],
  ] as const) {
    const client = await user.session();
    await breach(client);
    await endsWith(code, client);
  }

  const plain = await user.ask(strict.address, { earlyData: toUtf8(PAYLOAD) });
  await plain.send({ type: 'ack', received: 0, limit: 65_536 });
  await endsWith('plaintext', plain);

  (await user.session()).close();
  const aborted = await user.session();
  await aborted.send({ type: 'reset', code: toWire('aborted') });
  await aborted.closed;
  if (user.resumable) await resumed(user, offset);
}

async function resumed(user: User, offset: number): Promise<void> {
  const cut = await user.session();
  cut.close();
  const next = await user.resume(cut, 1, offset);
  await next.send(
    { type: 'ack', received: offset, limit: 65_536 },
    { type: 'data', offset, bytes: toUtf8(PAYLOAD) },
    { type: 'fin', offset: 2 * offset },
  );
  await until('the FIN', () => next.frames.some(({ type }) => type === 'fin'));
  await next.send({ type: 'ack', received: 2 * offset + 1, limit: 65_536 });
  await next.closed;
  await (await user.resume(cut, 2, 2 * offset + 1)).closed;
}

/** Every refusal, but `full`. */
async function refusals(user: User): Promise<void> {
  await user.refused('backend-not-allowed', FORBIDDEN);
  await user.refused('backend-down', NOWHERE);
  const hello = openHello(backend.address, { resumable: user.resumable, invite: user.invite });
  const old = encodeHello(hello, random);
  old[0] = 2;
  expect((await RawClient.open(user.link, old, VISITOR)).grant).toEqual({ refusal: toWire('version') });
  const lost = { ...hello, kind: 'resume', session: random(17), carrier: 1, received: 0, mac: random(32) } as const;
  expect((await RawClient.open(user.link, lost, VISITOR)).grant).toEqual({ refusal: toWire('session-unknown') });
  if (user.invite.length > 0) {
    const only = await user.ask(backend.address, { invite: narrow });
    await user.refused('limited', backend.address, { invite: narrow });
    await only.send({ type: 'reset', code: toWire('aborted') });
    await only.closed;
  }
  const socket = createConnection(FORBIDDEN, { relay: user.link });
  const { code, message } = await failure(socket);
  expect(code).toBe('backend-not-allowed');
  expect(canaries.foundIn(message)).toEqual([]);
}

async function fillUp(user: User): Promise<void> {
  const open: RawClient[] = [];
  for (let client = await user.ask(); 'session' in client.grant; client = await user.ask()) open.push(client);
  // What one invite may have of an empty hub.
  expect(open.length).toBeGreaterThan(300);
  await user.refused('full');
  for (const client of open) client.close();
}

/** What strangers get: junk, a replay, ordinary visits. */
async function strangers(user: User): Promise<string[]> {
  const { url } = parseLink(user.link);
  const hello = openHello(backend.address, { resumable: user.resumable, invite: user.invite });
  const { protocols } = await helloFor(user.link, encodeHello(hello, random));
  const replayed = protocols.join(', ');
  (await visit(url, replayed)).close();
  const answers: string[] = [];
  for (const offered of [replayed, PAYLOAD, `${toBase64url(random(12))}, ${toBase64url(toUtf8(PAYLOAD.repeat(9)))}`])
    answers.push(await (await visit(url, offered)).read());
  answers.push(await (await visit(url)).read(), await (await visit(`${url}nowhere`)).read());
  return answers;
}

/** What is stored is there when it is searched, and has no room for anything else. */
async function countsAlone({ link, stored }: Relay): Promise<void> {
  const { days } = await askStatus(parseLink(link).url, KEY);
  expect(stored().some((file) => Buffer.from(file).includes('"sessions":'))).toBe(true);
  for (const { day, refused, ...counts } of days) {
    expect(day).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(Object.keys(counts)).toEqual(['sessions', 'checks', 'up', 'down']);
    expect(Object.keys(refused).filter((code) => !refusalOf(toWire(code as Code)))).toEqual([]);
    for (const count of [...Object.values(counts), ...Object.values(refused)])
      expect(count).toEqual(expect.any(Number));
  }
}

async function visit(url: string, offered?: string): Promise<{ close(): void; read(): Promise<string> }> {
  const upgrade = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': toBase64url(random(16)),
  };
  const request = http.get(url, {
    headers: { ...VISITOR, ...(offered && { ...upgrade, 'Sec-WebSocket-Protocol': offered }) },
  });
  return new Promise((resolve, reject) => {
    const close = () => void request.destroy();
    request.on('error', reject);
    request.on('upgrade', () => resolve({ close, read: () => Promise.reject(new Error('was let in')) }));
    request.on('response', (response) => {
      const read = async () => `${response.statusCode} ${response.rawHeaders.join('\n')} ${await text(response)}`;
      resolve({ close, read });
    });
  });
}

describe.each([
  ["wrangler's test harness", inHarness],
  ['plain workerd', inWorkerd],
])('in %s', (_, start) => {
  it.each([
    ['an open relay', false],
    ['a private relay', true],
  ])('%s keeps everything to itself', async (_, isPrivate) => {
    plantAll();
    const relay = await start(isPrivate);
    running = relay.close;
    const users = [new User(relay.link, false), new User(relay.link, true)];
    const answers: string[] = [];
    for (const user of users) {
      await sessions(user);
      await refusals(user);
      answers.push(...(await strangers(user)));
    }
    if (start === inWorkerd && isPrivate) await fillUp(users[0] as User);

    if (start === inWorkerd) await countsAlone(relay);
    for (const file of relay.stored()) expect(canaries.foundIn(file)).toEqual([]);
    await relay.close();
    running = undefined;
    expect(canaries.foundIn(relay.output())).toEqual([]);
    expect(relay.output().replace(LOOKUP, '')).toBe('');
    // The page of an open relay names the backend that its check asks, whoever comes: one of its own settings.
    const named = isPrivate ? [] : [strict.address];
    for (const answer of answers)
      expect(canaries.foundIn(named.reduce((rest, address) => rest.replaceAll(address, ''), answer))).toEqual([]);
    for (const grant of users.flatMap(({ told }) => told))
      expect(canaries.foundIn(grant).filter((name) => name !== 'session id')).toEqual([]);
    for (const request of visits) expect(canaries.foundIn(request)).toEqual([]);
    expect(visits.length > 0).toBe(isPrivate);

    // Where it must be it is, and nothing else.
    expect(canaries.foundIn(Buffer.concat(upstream)).sort()).toEqual(['any', 'payload']);
    const words = new RegExp(`${PAYLOAD}|${BREAK}`, 'g');
    expect(upstream.map((bytes) => String(bytes).replace(words, '')).join('')).toBe('');
  });
});

describe('a relay that is set up wrongly', () => {
  const WRONG: Record<string, string>[] = [
    { RELAY_KEY: 'canary-secret-7c1e' },
    { RELAY_KEY: toBase64url(KEY), OLD_RELAY_KEY: 'canary-secret-7c1e', OLD_KEY_UNTIL: '2999-12-31' },
    { RELAY_KEY: toBase64url(KEY), HUBS: 'many' },
  ];

  it.each([
    ['an open one', 'open', '503'],
    ['a private one', 'invite', '200'],
    ['one whose ACCESS is mistyped', 'invited', '200'],
  ])('%s tells nothing but what is wrong', async (_, access, status) => {
    plantAll();
    canaries.plant('secret', 'canary-secret');
    for (const wrong of WRONG) {
      const relay = await serve(built, { ...settings(true), ...wrong, ACCESS: access }, certificate, { kept: true });
      const origin = `http://127.0.0.1:${relay.port}/`;
      const answers = [await (await visit(origin)).read(), await (await visit(origin, PAYLOAD)).read()];
      for (const answer of answers) {
        expect(answer).toMatch(status);
        expect(canaries.foundIn(answer)).toEqual([]);
      }
      await relay.stop();
      expect(relay.output()).toBe('');
    }
    for (const request of visits) expect(canaries.foundIn(request)).toEqual([]);
  });
});

describe('the search', () => {
  it('finds a canary in every form, wherever it stands', () => {
    plantAll();
    for (const before of [0, 1, 2, 3, 4]) {
      const bytes = Buffer.concat([random(before), invite, random(5)]);
      for (const form of [bytes, ...(['hex', 'base64', 'base64url'] as const).map((name) => bytes.toString(name))])
        expect(canaries.foundIn(form).sort()).toEqual(['invite', 'invite MAC', 'invite id']);
      expect(canaries.foundIn(`[${[...bytes].join(', ')}]`)).toContain('invite');
      expect(canaries.foundIn(JSON.stringify([...bytes]))).toContain('invite');
    }
    expect(canaries.foundIn(random(65_536))).toEqual([]);
  });

  it.each([
    ['the harness', tellingInHarness, ['CF-Connecting-IP', 'agent'], []],
    ['workerd', tellingInWorkerd, ['CF-Connecting-IP', 'agent', 'Referer'], ['Cookie']],
  ])('finds what a Worker prints, throws and stores in %s', async (_, start, printed, stored) => {
    plantAll();
    const { url, output, stored: files, close } = await start();
    await (await visit(url)).read();
    await until('it is printed', () => printed.every((name) => canaries.foundIn(output()).includes(name)));
    expect(files().flatMap((file) => canaries.foundIn(file))).toEqual(expect.arrayContaining(stored));
    await close();
  });
});

type Telling = Omit<Relay, 'link'> & { url: string };

async function tellingInHarness(): Promise<Telling> {
  const { origin, logs, close } = await startRelay({}, KEY, 'test/telling/wrangler.toml');
  return { url: origin, output: logs, stored: () => [], close };
}

async function tellingInWorkerd(): Promise<Telling> {
  const source = readFileSync(join(ROOT, 'test/telling/worker.ts'), 'utf8');
  const { code } = await transform(source, { loader: 'ts' });
  const worker = await serve({ ...built, script: code, objects: { STORE: 'Store' } }, {}, certificate, { kept: true });
  return { ...worker, url: `http://127.0.0.1:${worker.port}/throw`, close: worker.stop };
}
