/** Whatever a stranger sends to a private relay costs it the same cryptographic work, so that no time tells why. */
import { createExecutionContext, env, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import type { Bytes } from '../../protocol/bytes.ts';
import { native } from '../../protocol/carrier/cipher.ts';
import { decodeGrant, encodeHello, offer, type ResumeHello } from '../../protocol/carrier/hello.ts';
import { initiate, PROLOGUE } from '../../protocol/carrier/noise.ts';
import { type Admitted, admit, handOver } from '../../worker/admission/admission.ts';
import { configOf } from '../../worker/config.ts';
import type { Env } from '../../worker/env.ts';
import worker from '../../worker/index.ts';
import { Hub } from '../../worker/session/hub.ts';
import { random } from '../support/fixtures/open-hello.ts';
import { type Offer, PrivateRelay } from '../support/fixtures/private-relay.ts';

const OPERATIONS = Object.getOwnPropertyNames(SubtleCrypto.prototype).filter(
  (name): name is keyof SubtleCrypto => name !== 'constructor',
);

type Work = Record<string, number>;

afterEach(() => {
  vi.restoreAllMocks();
});

/** The operations of WebCrypto until the answer is there. */
async function workOf(run: () => Promise<unknown>): Promise<Work> {
  const spies = OPERATIONS.map((name) => [name, vi.spyOn(crypto.subtle, name)] as const);
  await run();
  const counts = spies.map(([name, spy]) => [name, spy.mock.calls.length] as const);
  vi.restoreAllMocks();
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

const UPGRADE = { Upgrade: 'websocket' };

function requestOf(subprotocols: string | undefined, varied: RequestInit = { headers: UPGRADE }): Request {
  const headers = new Headers({ 'CF-Connecting-IP': '192.0.2.1', ...(varied.headers as Record<string, string>) });
  if (subprotocols !== undefined) headers.set('Sec-WebSocket-Protocol', subprotocols);
  return new Request('https://relay.example/', { ...varied, headers });
}

/** The Worker, and a hub of its own with the same settings, where their work can be counted. */
class Relay {
  readonly of: PrivateRelay;
  readonly hub: Hub;
  readonly #env: Env;

  constructor(of: PrivateRelay, vars: Record<string, string>, state: DurableObjectState) {
    this.of = of;
    const settings = { ...of.vars, ...vars, HUBS: '1' };
    this.hub = new Hub(state, settings);
    const stub = { fetch: (request: Request) => this.hub.fetch(request) };
    this.#env = {
      ...settings,
      HUB: { idFromName: () => undefined, get: () => stub } as unknown as NonNullable<Env['HUB']>,
    };
  }

  answer(request: Request): Promise<Response> {
    return worker.fetch(request, this.#env, createExecutionContext());
  }

  async admit(request: Request): Promise<Admitted> {
    const admitted = await admit(request, await configOf(this.#env));
    if (!admitted) throw new Error('a good hello, please');
    return admitted;
  }

  /** Lets a hello in, and its session begin. */
  async use(subprotocols: string): Promise<Bytes> {
    const { status, webSocket } = await this.answer(requestOf(subprotocols));
    expect(status).toBe(101);
    if (!webSocket) throw new Error('101 without a WebSocket');
    webSocket.binaryType = 'arraybuffer';
    webSocket.accept();
    const { data } = await new Promise<MessageEvent>((resolve) => webSocket.addEventListener('message', resolve));
    return new Uint8Array(data as ArrayBuffer);
  }

  /** A resume hello of a session that is there, without its proof. */
  async unproven(): Promise<string> {
    const initiator = await initiate(native, PROLOGUE, await this.of.key(), random(32));
    const message = await initiator.writeHello(await this.of.payload({ resumable: true }));
    const grant = await initiator.readGrant(await this.use(offer(random(12), message).join(', ')));
    const granted = decodeGrant(grant.payload);
    if ('refusal' in granted) throw new Error('was refused');
    const hello: ResumeHello = {
      kind: 'resume',
      session: granted.session,
      carrier: 1,
      received: 0,
      limit: 65_536,
      allowance: 0xffff,
      mac: random(32),
      invite: await this.of.invite(),
      time: Date.now(),
    };
    return this.of.offer(encodeHello(hello));
  }

  /** Answered as a stranger's; what that takes. */
  async refuse(request: Request): Promise<Work> {
    let answer: Response | undefined;
    const work = await workOf(async () => {
      answer = await this.answer(request);
    });
    expect(answer?.status).toBe(200);
    return work;
  }
}

const backend = inject('backend');

/** @param vars of a relay with one key, or two */
async function onRelay(vars: Record<string, string>, test: (relay: Relay) => Promise<void>): Promise<void> {
  const of = new PrivateRelay(backend, `any://${backend}`);
  const { HUB } = env as Env;
  if (!HUB) throw new Error('wrangler.toml has the hubs');
  await runInDurableObject(HUB.get(HUB.newUniqueId()), (_, state) => test(new Relay(of, vars, state)));
}

describe.each([
  ['one key', 1, { OLD_KEY_UNTIL: '2026-01-01' }],
  ['two keys', 2, { OLD_KEY_UNTIL: '9999-12-31' }],
])('a private relay with %s', (_, keys, vars) => {
  it('works the same for every stranger', () =>
    onRelay(vars, async (relay) => {
      const { of } = relay;
      const strangers = of.strangers();
      if (keys === 2) delete strangers['the old key after its day'];
      const valid = of.valid() as () => Promise<string>;
      const resumable = of.valid({ resumable: true }) as () => Promise<string>;
      // Reads the settings, and a hub's.
      await relay.use(await valid());
      await relay.use(await resumable());

      const replayed =
        (of: () => Promise<string>): Offer =>
        async () => {
          const subprotocols = await of();
          await relay.use(subprotocols);
          return subprotocols;
        };
      const upgrades: Record<string, Offer> = {
        ...strangers,
        'a replay': replayed(valid),
        'a replay of a hub’s': replayed(resumable),
        'a resume without its proof': () => relay.unproven(),
      };
      const others: Record<string, Request> = {
        GET: requestOf(undefined, {}),
        POST: requestOf(undefined, { method: 'POST', body: 'a' }),
        'HEAD with a hello': requestOf(await valid(), { method: 'HEAD' }),
        'h2c with a hello': requestOf(await valid(), { headers: { Upgrade: 'h2c' } }),
      };
      const works: Record<string, Work> = {};
      for (const [what, offer] of Object.entries(upgrades)) works[what] = await relay.refuse(requestOf(await offer()));
      for (const [what, request] of Object.entries(others)) works[what] = await relay.refuse(request);

      // X25519 and HKDF for each key; the source, the invite, and the proof that a resume has.
      const same = { decrypt: keys, deriveBits: 2 * keys, digest: 2 * keys, importKey: 3 * keys + 3, sign: 3 };
      expect(works).toEqual(Object.fromEntries(Object.keys(works).map((what) => [what, same])));
    }));

  it('works the same for a replay that only its hub knows', () =>
    onRelay(vars, async (relay) => {
      const admitted = await relay.admit(requestOf(await relay.of.valid({ resumable: true })()));
      expect((await relay.hub.fetch(handOver(admitted))).status).toBe(101);
      const answers: number[] = [];
      const again = await workOf(async () => answers.push((await relay.hub.fetch(handOver(admitted))).status));
      const unproven = await relay.admit(requestOf(await relay.unproven()));
      const wrong = await workOf(async () => answers.push((await relay.hub.fetch(handOver(unproven))).status));
      expect(answers).toEqual([404, 404]);
      expect([again, wrong]).toEqual([
        { importKey: 1, sign: 1 },
        { importKey: 1, sign: 1 },
      ]);
    }));
});

it('is not the same for a client that is admitted', () =>
  onRelay({}, async (relay) => {
    const subprotocols = (await relay.of.valid()()) as string;
    const work = await workOf(() => relay.use(subprotocols));
    expect(work.encrypt).toBe(1);
  }));
