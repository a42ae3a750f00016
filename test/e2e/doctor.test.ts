/** `npm run doctor`, before real relays that have each fault. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { toBase64url } from '../../protocol/bytes.ts';
import type { Finding } from '../../volunteer/doctor/finding.ts';
import { type Backend, startBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';
import { Volunteer } from '../support/wrangler.ts';

const SECRET = crypto.getRandomValues(new Uint8Array(32));
const ending: (() => unknown)[] = [];
let backend: Backend;
let open: Relay;
let closed: Relay;

beforeAll(async () => {
  // A TLS alert is an answer, too.
  backend = await startBackend((socket) => socket.once('data', () => socket.write(Buffer.of(21, 3, 3, 0, 2, 2, 40))));
  open = await startRelay({ BACKENDS: backend.address }, SECRET);
  closed = await startRelay({ BACKENDS: backend.address, ACCESS: 'invite' }, SECRET);
});

afterAll(() => Promise.all([backend.close(), open.close(), closed.close()]));

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

interface Case {
  vars?: Record<string, string>;
  settings?: object;
  secrets?: object;
}

function volunteer({ vars, settings, secrets }: Case): Volunteer {
  const made = new Volunteer();
  ending.push(() => made.remove());
  const usual = { ACCESS: 'open', BACKENDS: backend.address, HUB_REGION: 'me' };
  const known = { name: 'olive-harbor', claimed: true, address: open.origin, invites: [], revoked: [] };
  made.write('settings.json', { ...known, ...settings, vars: { ...usual, ...vars } });
  made.write('secrets.json', { RELAY_KEY: toBase64url(SECRET), ...secrets });
  return made;
}

async function examine(of: Case): Promise<{ status: unknown; ok: boolean; findings: Record<string, Finding> }> {
  const { status, stdout, stderr } = await volunteer(of).run('doctor', '--json');
  expect(stderr).toBe('');
  const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] };
  return { status, ok, findings: Object.fromEntries(findings.map((finding) => [finding.about, finding])) };
}

/** A server at the relay's address that is something else. */
async function site(status: number, body: string, headers: Record<string, string> = {}): Promise<string> {
  const server = http.createServer((_, response) => response.writeHead(status, headers).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ending.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe('npm run doctor', () => {
  it('finds nothing wrong with a relay that works', async () => {
    const { status, ok, findings } = await examine({});
    expect([status, ok]).toEqual([0, true]);
    const passed = Object.values(findings).filter((finding) => finding.ok);
    expect(passed.map(({ about }) => about)).toEqual([
      'key',
      'settings',
      'name',
      'region',
      `backend 127.0.0.1`,
      'address',
      'the whole way',
    ]);
    expect(findings.domain).toMatchObject({ ok: null, fix: expect.stringContaining('--domain') });
    expect(findings.quota).toMatchObject({ ok: null });
    expect(findings.strangers).toMatchObject({
      ok: null,
      fix: expect.stringMatching(/--access invite.*new key.*links end/),
    });
    // workerd does not say the time, as Cloudflare's edge does.
    expect(findings.clock).toMatchObject({ ok: null });
  });

  it('goes into a private relay with an invite of its own, and says which decoy strangers see', async () => {
    const { status, findings } = await examine({ settings: { address: closed.origin }, vars: { ACCESS: 'invite' } });
    expect(status).toBe(0);
    expect(findings['the whole way']).toMatchObject({ ok: true, says: 'It works.' });
    expect(findings.strangers).toMatchObject({ ok: true, says: expect.stringContaining('"Hello World!"') });
  });

  it('prints a line for each, with what to do, and exits with 1 when one is wrong', async () => {
    const { status, stdout } = await volunteer({ settings: { name: 'my-proxy', address: undefined } }).run('doctor');
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^✓ key: .*\n✓ settings: .*\n✗ name: "my-proxy" has "proxy" in it.*\n {4}Move .*\n– domain: /,
    );
    expect(stdout).toMatch(/✗ address: It was not deployed yet\.\n {4}npm run deploy\n$/);
  });

  it.each<[string, () => Case | Promise<Case>, string, RegExp]>([
    [
      'a key of an example',
      () => ({ secrets: { RELAY_KEY: 'A'.repeat(43) } }),
      'key',
      /RELAY_KEY is the key of an example/,
    ],
    ['a setting that is none', () => ({ vars: { HUBS: 'many' } }), 'settings', /HUBS is "many"/],
    [
      'a subdomain that tells',
      () => ({ settings: { address: 'https://olive.myvpn.workers.dev/' } }),
      'name',
      /"vpn" in it/,
    ],
    [
      'a backend at Cloudflare',
      () => ({ vars: { BACKENDS: '104.16.1.1:443' } }),
      'backend 104.16.1.1',
      /Workers do not connect/,
    ],
    [
      'a backend at Cloudflare, by IPv6',
      () => ({ vars: { BACKENDS: '[2606:4700::1111]:443' } }),
      'backend [2606:4700::1111]',
      /Workers do not connect/,
    ],
    [
      'a backend without an address',
      () => ({ vars: { BACKENDS: 'x.invalid:443' } }),
      'backend x.invalid',
      /no address/,
    ],
    [
      'an address that is silent',
      () => ({ settings: { address: 'http://127.0.0.1:1/' } }),
      'address',
      /Nothing answers/,
    ],
    [
      'a way that ends',
      () => ({ settings: { address: 'http://127.0.0.1:1/' } }),
      'the whole way',
      /refuses connections/,
    ],
    [
      'another key at its address',
      () => ({ secrets: { RELAY_KEY: toBase64url(crypto.getRandomValues(new Uint8Array(32))) } }),
      'strangers',
      /another key/,
    ],
    ['an open relay that should be private', () => ({ vars: { ACCESS: 'invite' } }), 'strangers', /find an open relay/],
    [
      'no relay at its address',
      async () => ({ settings: { address: await site(200, 'Roses') } }),
      'strangers',
      /no relay/,
    ],
    [
      'a decoy that is down',
      async () => ({ vars: { ACCESS: 'invite' }, settings: { address: await site(502, 'Bad Gateway') } }),
      'strangers',
      /an error \(502\)/,
    ],
    [
      'a clock that is wrong',
      async () => {
        const Date_ = new Date(Date.now() + 60 * 60_000).toUTCString();
        return { settings: { address: await site(200, 'Hello World!', { Date: Date_ }) } };
      },
      'clock',
      /60 minutes behind/,
    ],
  ])('finds %s', async (_, of, about, says) => {
    const { status, findings } = await examine(await of());
    expect(status).toBe(1);
    expect(findings[about]).toMatchObject({ ok: false, says: expect.stringMatching(says) });
    if (about !== 'the whole way') expect(findings[about]?.fix).toMatch(/\w/);
  });

  it('repeats what a relay that is not set up says', async () => {
    const bare = await startRelay({ BACKENDS: '' }, SECRET);
    ending.push(() => bare.close());
    const { findings } = await examine({ settings: { address: bare.origin } });
    expect(findings.strangers).toMatchObject({ ok: false, says: expect.stringContaining('BACKENDS = "whatsapp"') });
  });

  it('finds a private relay whose key was published, and how it gets another', async () => {
    const vars = { ACCESS: 'invite' };
    const published = [toBase64url(await nodeCipher.publicKey(SECRET))];
    const noted = await examine({ vars, settings: { address: closed.origin, published } });
    expect(noted.findings.key).toMatchObject({ ok: false, fix: expect.stringMatching(/^npm run deploy,.*links end/) });
    // By another's hand: only the address tells.
    const seen = await examine({ vars });
    expect(seen.findings.key).toMatchObject({ ok: true });
    expect(seen.findings.strangers).toMatchObject({ ok: false, fix: expect.stringContaining('rotate -- --now') });
    // The next deploy replaces a key that the folder knows of, or one that is another's.
    const known = await examine({ vars, settings: { published } });
    expect(known.findings.strangers).toMatchObject({ ok: false, fix: 'npm run deploy' });
    const RELAY_KEY = toBase64url(crypto.getRandomValues(new Uint8Array(32)));
    const others = await examine({ vars, secrets: { RELAY_KEY } });
    expect(others.findings.strangers).toMatchObject({ ok: false, fix: 'npm run deploy' });
  });

  it('has nothing against a published key of an open relay, or one that a private relay had before', async () => {
    const published = [toBase64url(await nodeCipher.publicKey(SECRET))];
    expect((await examine({ settings: { published } })).findings.key).toMatchObject({ ok: true });
    const secrets = { RELAY_KEY: toBase64url(crypto.getRandomValues(new Uint8Array(32))) };
    const later = await examine({ vars: { ACCESS: 'invite' }, settings: { published }, secrets });
    expect(later.findings.key).toMatchObject({ ok: true });
  });

  it('says what a site of the volunteer’s own is to strangers, and compares clocks', async () => {
    const address = await site(200, '<title>Roses &amp; more</title>');
    const { findings } = await examine({ vars: { ACCESS: 'invite' }, settings: { address } });
    expect(findings.strangers).toMatchObject({ ok: true, says: expect.stringContaining('"Roses & more"') });
    expect(findings.clock).toMatchObject({ ok: true });
  });

  it('says what it cannot know', async () => {
    const vars = { BACKENDS: `*.example.org:443 ${backend.address}`, HUBS: '4', HUB_REGION: '' };
    const { findings } = await examine({ vars });
    expect(findings['backend *.example.org']).toMatchObject({ ok: null });
    expect(findings.quota).toMatchObject({ ok: null, says: expect.stringContaining('4 hubs') });
    expect(findings.region).toMatchObject({ ok: null, fix: expect.stringContaining('--region') });
  });
});
