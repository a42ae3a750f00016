/** Whatever a stranger sends to a private relay is answered as by its decoy alone, byte for byte. */
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { toBase64url, toUtf8 } from '../../protocol/bytes.ts';
import { encodeHello, type OpenHello } from '../../protocol/carrier/hello.ts';
import { refusalOf } from '../../protocol/errors.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import { type Offer, PrivateRelay } from '../support/fixtures/private-relay.ts';
import { knock, offering, requestOf, UPGRADE } from '../support/network/exchange.ts';
import { compare, ordinary, otherMethods, type Probe, upgrades } from '../support/network/probes.ts';
import { openHello, RawClient, random } from '../support/network/raw-client.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { fetchingThrough, folder, helloWorld, relay, relayWithFolder, type Served } from '../support/servers/decoys.ts';
import { type Site, startSite } from '../support/servers/site.ts';
import { until } from '../support/until.ts';

let backend: Backend;
let other: Backend;
let site: Site;

beforeAll(async () => {
  backend = await startBackend(echo);
  other = await startBackend(echo);
  site = await startSite();
});

afterAll(async () => {
  await Promise.all([backend.close(), other.close(), site.close()]);
});

afterEach(() => {
  for (const socket of backend.open) socket.destroy();
});

/** Probes after which workerd closes without an answer. */
const SILENT = new Set(['HTTP/2']);

const upgradeWith = async (offer: Offer) => requestOf('GET / HTTP/1.1', [...UPGRADE, ...offering(await offer())]);

/** The platform says HIT of a file that it had within 100 ms, and MISS of one that took longer. */
const steady = (answer: string) => answer.replaceAll(/^CF-Cache-Status: (HIT|MISS)$/gm, 'CF-Cache-Status');

/** What differs, of the first few. */
async function differences(probes: readonly Probe[], served: Served, reference: Served) {
  const compared = await compare(probes, served.port, reference.port);
  expect(compared.length).toBe(probes.length);
  // Two servers that say nothing would be alike as well.
  const silent = compared.filter(({ reference, probe }) => reference === '' && !SILENT.has(probe));
  expect(silent.map(({ probe }) => probe)).toEqual([]);
  return compared.filter(({ relay, reference }) => steady(relay) !== steady(reference)).slice(0, 5);
}

const through = () => ({ DECOY_URL: `${site.origin}/` });

interface Decoy {
  relay(vars: Record<string, string>): Promise<Served>;
  reference(): Promise<Served>;
  /** Probes that cannot be told apart there, for other reasons than the relay's. */
  blurred: RegExp;
}

const DECOYS: [string, Decoy][] = [
  [
    'Hello World!',
    {
      relay: (vars) => relay(inject('worker'), vars),
      reference: () => helloWorld(inject('worker')),
      blurred: /$^/,
    },
  ],
  [
    'a site that is fetched through',
    {
      relay: (vars) => relay(inject('worker'), { ...vars, ...through() }),
      reference: () => fetchingThrough(inject('worker'), through()),
      blurred: /$^/,
    },
  ],
  // The entry of wrangler's harness makes a GET of every upgrade, and now and then waits for a large body in vain.
  ['a folder', { relay: relayWithFolder, reference: folder, blurred: /^(?!GET).*, an upgrade with|a large body/ }],
];

const HUBS = [
  ['plain sessions', '0'],
  ['hubs', '1'],
] as const;

describe.each(DECOYS)('behind %s', (_, { relay, reference: serveReference, blurred }) => {
  let reference: Served;
  beforeAll(async () => {
    reference = await serveReference();
  });
  afterAll(() => reference.stop());

  describe.each(HUBS)('a relay with %s', (_, hubs) => {
    let of: PrivateRelay;
    let served: Served;
    beforeAll(async () => {
      of = new PrivateRelay(backend.address, `${backend.entry} ${other.entry}`);
      served = await relay({ ...of.vars, HUBS: hubs });
    });
    afterAll(() => served.stop());

    const link = async () =>
      formatLink({ url: `http://127.0.0.1:${served.port}/`, key: await of.key(), invite: await of.invite() });
    const resumable = hubs !== '0';

    async function open(address: string, varied: Partial<OpenHello> = {}): Promise<RawClient> {
      return RawClient.open(await link(), openHello(address, { invite: await of.invite(), resumable, ...varied }));
    }

    /** A hello that was taken before. */
    const replayed: Offer = async () => {
      const offer = await of.valid({ resumable })();
      expect(await knock(served.port, await upgradeWith(async () => offer))).toBe(101);
      return offer;
    };

    /** A resume with any proof but the right one. */
    async function unproven(client: RawClient): Promise<Offer> {
      if (!('session' in client.grant)) throw new Error('was refused');
      const { session } = client.grant;
      const kind = { kind: 'resume', session, carrier: 1, received: 0, limit: 65_536, allowance: 0xffff } as const;
      return async () =>
        of.offer(encodeHello({ ...kind, mac: random(32), invite: await of.invite(), time: Date.now() }, random));
    }

    // Where sessions live makes no difference to them.
    it.runIf(!resumable)('answers ordinary requests, and odd ones, as the site alone', async () => {
      const refused = of.strangers()['a revoked invite'] as Offer;
      const probes = [...ordinary(refused), ...otherMethods(of.valid())].filter(({ name }) => !blurred.test(name));
      expect(await differences(probes, served, reference)).toEqual([]);
    });

    it('answers every upgrade that is not admitted as the site alone', async () => {
      const client = await open(backend.address);
      const strangers = {
        ...of.strangers(),
        'a replay': replayed,
        'a replay under another token': async () => {
          const [, message] = ((await replayed()) as string).split(', ');
          return `${toBase64url(random(12))}, ${message}`;
        },
        'a replay with another tail': async () => ((await replayed()) as string).replace(/^(.{16})[^,]*/, '$1tail'),
        ...(resumable && { 'a resume without its proof': await unproven(client) }),
      };
      expect(await differences(upgrades(strangers, of.valid({ resumable })), served, reference)).toEqual([]);
      client.close();
    });

    it('admits a client with a good invite, and carries its bytes', async () => {
      const client = await open(backend.address);
      expect(client.grant).toMatchObject({ resumable });
      await client.send({ type: 'data', offset: 0, bytes: toUtf8('hola') });
      await until('the echo', () => client.frames.some(({ type }) => type === 'data'));
      client.close();
    });

    it('tells a client with a good invite why it is refused', async () => {
      const refusal = async (address: string, varied: Partial<OpenHello> = {}) => {
        const { grant } = await open(address, varied);
        return 'refusal' in grant ? refusalOf(grant.refusal) : undefined;
      };
      const invite = await of.invite({ backends: backend.entry });
      expect(await refusal('127.0.0.1:2')).toBe('backend-not-allowed');
      expect(await refusal(other.address, { invite })).toBe('backend-not-allowed');
      expect(await refusal(backend.address, { invite })).toBeUndefined();
      expect(await refusal(other.address)).toBeUndefined();
    });

    it.runIf(resumable)('takes the same resume with its proof', async () => {
      const invite = await of.invite();
      const client = await open(backend.address, { invite });
      const same = formatLink({ ...parseLink(await link()), invite });
      const next = await client.resume(same, 1, { received: 0, limit: 65_536 });
      expect(next.grant).toMatchObject({ resumable: true });
      next.close();
    });
  });
});

describe('a private relay with a wrong setting', () => {
  let reference: Served;
  beforeAll(async () => {
    reference = await helloWorld(inject('worker'));
  });
  afterAll(() => reference.stop());

  it.each<[string, Record<string, string | undefined>]>([
    ['no key', { RELAY_KEY: undefined }],
    ['a key that is too short', { RELAY_KEY: 'c2hvcnQ' }],
    ['backends that are none', { BACKENDS: 'everything' }],
    ['no backends', { BACKENDS: '' }],
    ['a mistyped ACCESS', { ACCESS: 'Invite' }],
    ['an empty ACCESS', { ACCESS: '' }],
    ['a revoked name', { REVOKED: 'Ana' }],
    ['an old key without a day', { OLD_KEY_UNTIL: undefined }],
    ['too many hubs', { HUBS: '33' }],
    ['counters that are neither on nor off', { COUNTERS: 'no' }],
    ['a decoy that is no URL', { DECOY_URL: 'my site' }],
    ['a decoy without TLS', { DECOY_URL: 'http://site.example/' }],
  ])('shows its decoy for %s', async (_, wrong) => {
    const of = new PrivateRelay(backend.address, backend.entry);
    const vars = Object.entries({ ...of.vars, ...wrong }).filter((entry): entry is [string, string] => !!entry[1]?.at);
    const served = await relay(inject('worker'), Object.fromEntries(vars));
    const settled = 'DECOY_URL' in wrong;
    const paths = ['/', '/.well-known/puente', '/none'].map((path) => `GET ${path} HTTP/1.1`);
    const probes: Probe[] = [
      ...[...paths, 'POST / HTTP/1.1'].map((line) => ({ name: line, request: async () => requestOf(line) })),
      { name: 'a random hello', request: () => upgradeWith(of.strangers()['a random hello'] as Offer) },
      ...(settled ? [] : [{ name: 'a hello', request: () => upgradeWith(of.valid()) }]),
    ];
    expect(await differences(probes, served, reference)).toEqual([]);
    await served.stop();
  });
});
