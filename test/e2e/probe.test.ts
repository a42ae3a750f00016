/** Whatever a stranger sends to a private relay is answered as by its decoy alone, byte for byte. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toUtf8 } from '../../protocol/bytes.ts';
import { refusalOf } from '../../protocol/errors.ts';
import { encodeHello, type OpenHello } from '../../protocol/hello.ts';
import { formatLink } from '../../protocol/link.ts';
import { type Backend, echo, startBackend } from '../support/backend.ts';
import { fetchingThrough, folder, helloWorld, relay, relayWithFolder, type Served } from '../support/decoys.ts';
import { knock, offering, requestOf, UPGRADE } from '../support/exchange.ts';
import { type Offer, PrivateRelay } from '../support/private-relay.ts';
import { compare, matrix, otherMethods, type Probe } from '../support/probes.ts';
import { openHello, RawClient, random } from '../support/raw-client.ts';
import { type Site, startSite } from '../support/site.ts';
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

/** How many probes may go unanswered: of HTTP/2. */
const SILENT = 1;

const upgradeWith = async (offer: Offer) => requestOf('GET / HTTP/1.1', [...UPGRADE, ...offering(await offer())]);

/** What differs, of the first few. */
async function differences(probes: readonly Probe[], served: Served, reference: Served) {
  const compared = await compare(probes, served.port, reference.port);
  expect(compared.length).toBe(probes.length);
  // Two servers that say nothing would be alike as well.
  expect(compared.filter(({ reference }) => reference === '').length).toBeLessThanOrEqual(SILENT);
  return compared.filter(({ relay, reference }) => relay !== reference).slice(0, 5);
}

const through = () => ({ DECOY_URL: `${site.origin}/` });

const DECOYS: [string, (vars: Record<string, string>) => Promise<Served>, () => Promise<Served>][] = [
  ['Hello World!', relay, helloWorld],
  ['a site that is fetched through', (vars) => relay({ ...vars, ...through() }), () => fetchingThrough(through())],
  ['a folder', relayWithFolder, folder],
];

const HUBS = [
  ['plain sessions', '0'],
  ['hubs', '1'],
] as const;

// The entry of wrangler's harness makes a GET of every upgrade, so that `otherMethods` cannot be seen there.
describe.each(DECOYS)('behind %s', (_, serveRelay, serveReference) => {
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
      served = await serveRelay({ ...of.vars, HUBS: hubs });
    });
    afterAll(() => served.stop());

    const link = async () =>
      formatLink({ origin: `http://127.0.0.1:${served.port}/`, key: await of.key(), invite: await of.invite() });
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
        of.offer(encodeHello({ ...kind, mac: random(32), invite: await of.invite(), time: Date.now() }));
    }

    it('answers every probe as the site alone', async () => {
      const client = await open(backend.address);
      const strangers = {
        ...of.strangers(),
        'a replay': replayed,
        'a replay under another token': async () => {
          const [, message] = ((await replayed()) as string).split(', ');
          return `${Buffer.from(random(12)).toString('base64url')}, ${message}`;
        },
        ...(resumable && { 'a resume without its proof': await unproven(client) }),
      };
      const valid = of.valid({ resumable });
      const probes = [...matrix(strangers, valid), ...(serveRelay === relayWithFolder ? [] : otherMethods(valid))];
      expect(await differences(probes, served, reference)).toEqual([]);
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
      const client = await open(backend.address);
      const next = await client.resume(await link(), 1, { received: 0, limit: 65_536 });
      expect(next.grant).toMatchObject({ resumable: true });
      next.close();
    });
  });
});

describe('a private relay with a wrong setting', () => {
  let reference: Served;
  beforeAll(async () => {
    reference = await helloWorld();
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
    ['a decoy that is no URL', { DECOY_URL: 'my site' }],
    ['a decoy without TLS', { DECOY_URL: 'http://site.example/' }],
  ])('shows its decoy for %s', async (_, wrong) => {
    const of = new PrivateRelay(backend.address, backend.entry);
    const vars = Object.entries({ ...of.vars, ...wrong }).filter((entry): entry is [string, string] => !!entry[1]?.at);
    const served = await relay(Object.fromEntries(vars));
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
