/** What a relay counts of its use, in real hubs and outside of them, and who is told. */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { createConnection } from '../../client/node/index.ts';
import { type Bytes, fromBase64url, toBase64url } from '../../protocol/bytes.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import type { StatusReport } from '../../protocol/permits/status.ts';
import { askStatus } from '../../volunteer/relay/ask-status.ts';
import { type Bundle, bundle } from '../../volunteer/relay/bundle.ts';
import { failure } from '../support/failure.ts';
import { type Certificate, makeCertificate } from '../support/fixtures/certificate.ts';
import { PrivateRelay } from '../support/fixtures/private-relay.ts';
import { openHello, RawClient, random } from '../support/network/raw-client.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { serve, type Workerd } from '../support/servers/workerd.ts';
import { until } from '../support/until.ts';

const KEY = random(32);
const LENGTH = 100_000;
const FORBIDDEN = '127.0.0.1:1';

let backend: Backend;
let certificate: Certificate;
let evictable: Bundle;
const ending: (() => unknown)[] = [];

beforeAll(async () => {
  backend = await startBackend(echo);
  certificate = await makeCertificate();
  evictable = bundle('test/evicting/wrangler.toml');
});

afterAll(() => backend.close());

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

/** A relay, and those who use it. */
class Relay {
  readonly #served: Workerd;

  private constructor(served: Workerd) {
    this.#served = served;
  }

  static async start(vars: Record<string, string> = {}, worker = inject('worker')): Promise<Relay> {
    const settings = { RELAY_KEY: toBase64url(KEY), BACKENDS: backend.entry, ...vars };
    const served = await serve(worker, settings, certificate);
    ending.push(served.stop);
    return new Relay(served);
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#served.port}/`;
  }

  async link(): Promise<string> {
    return formatLink({ url: this.origin, key: await nodeCipher.publicKey(KEY) });
  }

  status(secret = KEY): Promise<StatusReport> {
    return askStatus(this.origin, secret);
  }

  /** All of its storage. */
  stored(): string {
    return Buffer.concat(this.#served.stored()).toString('latin1');
  }

  /** Its first hub leaves memory. */
  async evict(): Promise<void> {
    expect(await (await fetch(`${this.origin}evict`)).text()).toBe('evicted');
  }

  /** A session in a hub, to its end. */
  async resumable(length = LENGTH): Promise<void> {
    const socket = createConnection(backend.address, { relay: await this.link(), allowHalfOpen: true });
    socket.end(Buffer.alloc(length));
    let received = 0;
    socket.on('data', (bytes: Buffer) => {
      received += bytes.length;
    });
    await once(socket, 'end');
    expect(received).toBe(length);
  }

  async open(varied: Parameters<typeof openHello>[1] = {}, to = backend.address): Promise<RawClient> {
    return RawClient.open(await this.link(), openHello(to, varied));
  }

  /** One that lives in the Worker, with so many bytes each way. */
  async plain(text: string): Promise<void> {
    const client = await this.open({ earlyData: Buffer.from(text) as Uint8Array<ArrayBuffer> });
    await client.send({ type: 'ack', received: 0, limit: 65_536 });
    await until('the echo', () => client.frames.some(({ type }) => type === 'data'));
    await client.send({ type: 'fin', offset: text.length });
    await until('the FIN', () => client.frames.some(({ type }) => type === 'fin'));
    await client.send({ type: 'ack', received: text.length + 1, limit: 65_536 });
    await client.closed;
  }
}

const utcDay = () => new Date().toISOString().slice(0, 10);

describe('a relay', () => {
  it('counts sessions, bytes each way, checks, and refusals by their codes, in the hub and in the Worker', async () => {
    const relay = await Relay.start();
    await relay.resumable();
    await relay.plain('hola');
    const link = await relay.link();
    expect(await failure(createConnection(FORBIDDEN, { relay: link }))).toMatchObject({ code: 'backend-not-allowed' });
    await relay.open({}, FORBIDDEN);
    await relay.open({ kind: 'check' }, '');
    const bytes = LENGTH + 4;
    const today = { sessions: 2, checks: 1, up: bytes, down: bytes, refused: { 'backend-not-allowed': 2 } };
    // A check is none of the sessions, and to ask is neither.
    for (const _ of [1, 2])
      expect(await relay.status()).toEqual({
        counters: 'on',
        hubs: 1,
        answered: 1,
        days: [{ day: utcDay(), ...today }],
      });
  });

  it('adds up what its hubs have counted, and what a session has carried that goes on', async () => {
    const relay = await Relay.start({ HUBS: '3' });
    const open = createConnection(backend.address, { relay: await relay.link() });
    open.write('hola');
    await once(open, 'data');
    await Promise.all(Array.from({ length: 12 }, () => relay.resumable(10)));
    expect(await relay.status()).toMatchObject({ hubs: 3, answered: 3, days: [{ sessions: 13, up: 124, down: 124 }] });
    open.write('hola');
    await once(open, 'data');
    expect(await relay.status()).toMatchObject({ days: [{ sessions: 13, up: 128, down: 128 }] });
    open.destroy();
  });

  it('writes when the last session has ended, and still knows when its hub was evicted', async () => {
    const relay = await Relay.start({}, evictable);
    await relay.resumable(10);
    await until('it is written', () => relay.stored().includes('{"sessions":1,"up":10,"down":10}'));
    await relay.evict();
    await relay.resumable(5);
    expect(await relay.status()).toMatchObject({ days: [{ sessions: 2, up: 15, down: 15 }] });
  });

  it.each<[StatusReport['counters'], Record<string, string>]>([
    ['off', { COUNTERS: 'off' }],
    ['no-hubs', { HUBS: '0' }],
  ])('stores nothing when its counters are %s, and says so', async (counters, vars) => {
    const relay = await Relay.start(vars);
    await relay.resumable(10);
    await relay.plain('hola');
    await relay.open({}, FORBIDDEN);
    expect(await relay.status()).toEqual({ counters, hubs: 0, answered: 0, days: [] });
    expect(relay.stored()).not.toContain(TABLE);
    const counting = await Relay.start();
    await counting.resumable(10);
    expect(await counting.status()).toMatchObject({ counters: 'on' });
    expect(counting.stored()).toContain(TABLE);
  });
});

/** As it stands in a file of SQLite's. */
const TABLE = 'CREATE TABLE days';

describe('a relay of before', () => {
  it('says that it is old where it is open; a private one says nothing, as to any stranger', async () => {
    const built = inject('worker');
    const script = built.script.replace('"check", "status"]', '"check"]');
    expect(script).not.toBe(built.script);
    const open = await Relay.start({}, { ...built, script });
    await expect(open.status()).rejects.toMatchObject({ code: 'version' });
    const closed = await Relay.start({ ACCESS: 'invite' }, { ...built, script });
    await expect(closed.status()).rejects.toMatchObject({ code: 'not-admitted' });
  });
});

describe('who is told', () => {
  it('is whoever has the key of a private relay, and no invited client', async () => {
    const of = new PrivateRelay(backend.address, backend.entry);
    const relay = await Relay.start(of.vars);
    const secret = fromBase64url(of.vars.RELAY_KEY ?? '') as Bytes;
    const link = formatLink({ url: relay.origin, key: await of.key(), invite: await of.invite() });
    const hello = openHello(backend.address, { invite: await of.invite() });
    expect((await RawClient.open(link, hello)).grant).toMatchObject({ received: 0 });
    expect(await relay.status(secret)).toMatchObject({ counters: 'on', days: [{ sessions: 1 }] });
    const asked = RawClient.open(link, { ...hello, kind: 'status', backend: '' });
    await expect(asked).rejects.toThrow('200');
    expect((await RawClient.open(link, { ...hello, kind: 'status', invite: await of.token() })).grant).toMatchObject({
      resumable: false,
    });
  });

  it('is nobody else at an open relay', async () => {
    const relay = await Relay.start();
    await expect(relay.open({ kind: 'status' }, '')).rejects.toThrow('200');
    await expect(relay.status(random(32))).rejects.toMatchObject({ code: 'not-admitted' });
    expect(await (await fetch(relay.origin)).text()).not.toContain('sessions');
  });
});
