/** A self-hosted relay behind the real Caddy and nginx, with the configurations that `npm run selfhost` writes. */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createConnection } from '../../client/node/index.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import { type Certificate, makeCertificate } from '../support/fixtures/certificate.ts';
import { type Offer, PrivateRelay } from '../support/fixtures/private-relay.ts';
import { exchange, requestOf } from '../support/network/exchange.ts';
import { type Listening, listen } from '../support/network/listen.ts';
import { freePort } from '../support/network/port.ts';
import { compare, ordinary as ordinaryProbes, otherMethods, type Probe, upgrades } from '../support/network/probes.ts';
import { atProxies } from '../support/network/proxy-probes.ts';
import { findProgram } from '../support/program.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import type { Daemon } from '../support/servers/daemon.ts';
import { ordinary, type ProxyName, startProxy, written } from '../support/servers/proxies.ts';
import { commandOfUnit, fileOf, type Running, runFolder } from '../support/servers/selfhost.ts';
import { startOnePage, startStaticSite } from '../support/servers/static-site.ts';
import { until } from '../support/until.ts';
import { Volunteer } from '../support/wrangler.ts';

/** Left out on a developer's machine, never in CI. */
function lacks(proxy: ProxyName): boolean {
  const skipped = !findProgram(proxy) && !process.env.CI;
  if (skipped) console.log(`SKIPPED: a relay behind ${proxy}, as it is not installed: apt-get install ${proxy}`);
  return skipped;
}

/**
 * Probes whose answer is chance before any site. Caddy passes an answer on while it still reads the body. Whether Caddy
 * has said "100 Continue" by then, or has seen what is wrong with the body, depends on how soon the site answers.
 */
const UNFINISHED = /with a (body that is waited for|chunk (without a length|of 300,000)|length beside chunks)/;

const PROXIES: [ProxyName, { file: string; skipped: boolean; left: RegExp }][] = [
  ['caddy', { file: 'Caddyfile', skipped: lacks('caddy'), left: UNFINISHED }],
  ['nginx', { file: 'nginx.conf', skipped: lacks('nginx'), left: /$^/ }],
];

let backend: Backend;
let certificate: Certificate;
const ending: (() => unknown)[] = [];

beforeAll(async () => {
  certificate = await makeCertificate();
  tls.setDefaultCACertificates([...tls.getCACertificates(), certificate.cert]);
  backend = await startBackend(echo);
});

afterAll(() => backend.close());

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

/** The folder of a private relay. */
async function writtenFolder(relay: PrivateRelay, vars: Record<string, string> = {}): Promise<Volunteer> {
  const of = new Volunteer();
  const { ACCESS, BACKENDS, RELAY_KEY, OLD_RELAY_KEY, OLD_KEY_UNTIL, REVOKED } = relay.vars;
  of.write('settings.json', {
    name: 'olive-harbor',
    vars: { ACCESS, BACKENDS, HUB_REGION: '', ...vars },
    invites: [],
    revoked: [REVOKED],
  });
  of.write('secrets.json', { RELAY_KEY, OLD_RELAY_KEY, OLD_KEY_UNTIL });
  const { status, stdout, stderr } = await of.run('selfhost', 'site.example', '--allow', '127.0.0.0/8');
  expect(status, stdout + stderr).toBe(0);
  return of;
}

async function started(proxy: ProxyName, configuration: Parameters<typeof startProxy>[1]): Promise<Daemon> {
  const daemon = await startProxy(proxy, configuration, certificate);
  ending.push(() => daemon.close());
  return daemon;
}

const undated = (answer: string) => answer.replaceAll(/^Date: .*$/gm, 'Date');

const DECOYS: [string, (site: Listening) => Record<string, string>, () => Promise<Listening>][] = [
  ['Hello World!', () => ({}), startOnePage],
  ['a site that is fetched through', (site) => ({ DECOY_URL: `http://127.0.0.1:${site.port}/` }), startStaticSite],
];

describe.each(DECOYS)('a private relay with %s', (_, vars, startSite) => {
  let relay: PrivateRelay;
  let site: Listening;
  let folder: Volunteer;
  let running: Running;

  beforeAll(async () => {
    relay = new PrivateRelay(backend.address, backend.entry);
    site = await startSite();
    folder = await writtenFolder(relay, vars(site));
    running = await runFolder(folder, commandOfUnit(folder), certificate);
  });
  afterAll(async () => {
    await running?.stop();
    await site?.close();
    folder?.remove();
  });

  describe.each(PROXIES)('behind %s', (proxy, { file, skipped, left }) => {
    it.skipIf(skipped)('answers strangers as the site alone does behind the same proxy', async () => {
      const ours = await started(proxy, written(proxy, fileOf(folder, file), running.port));
      const theirs = await started(proxy, ordinary(proxy, site.port));
      const strangers = relay.strangers();
      const probes: Probe[] = [
        ...ordinaryProbes(strangers['a revoked invite'] as Offer),
        ...otherMethods(relay.valid()),
        ...upgrades(strangers, relay.valid()),
        ...atProxies(),
      ];
      // Of two Upgrade headers a proxy passes on the first: with a good hello it is an upgrade.
      const compared = await compare(
        probes.filter(({ name }) => !left.test(name) && name !== 'two upgrades with a hello'),
        ours.port,
        theirs.port,
      );
      expect(compared.length).toBeGreaterThan(500);
      // Two servers that say nothing would be alike as well.
      const times = (text: string, part: RegExp) => text.match(part)?.length ?? 0;
      const isBare = (text: string) => text === '' || times(text, /HTTP\/1\.1 [23]\d\d /g) > times(text, /^Date: /gm);
      const bare = compared.filter(({ relay }) => isBare(relay));
      expect(bare.slice(0, 5)).toEqual([]);
      const different = compared.filter(({ relay, reference }) => undated(relay) !== undated(reference));
      expect(different.slice(0, 5)).toEqual([]);
    });

    it.skipIf(skipped)('carries sessions, over TLS', async () => {
      const { port } = await started(proxy, written(proxy, fileOf(folder, file), running.port, 'https'));
      const link = formatLink({
        url: `https://localhost:${port}/`,
        key: await relay.key(),
        invite: await relay.invite(),
      });
      const socket = createConnection(backend.address, { relay: link });
      ending.push(() => socket.destroy());
      for (const word of ['one', 'two']) {
        socket.write(word);
        expect(String((await once(socket, 'data'))[0])).toBe(word);
      }
      socket.end();
      await once(socket, 'close');
      await until('the backend is closed', () => backend.open.size === 0);
    });
  });
});

describe.each(PROXIES)('the configuration for %s', (proxy, { file, skipped }) => {
  let folder: Volunteer;
  beforeAll(async () => {
    folder = await writtenFolder(new PrivateRelay(backend.address, backend.entry));
  });
  afterAll(() => folder?.remove());

  it.skipIf(skipped).each([400, 431, 500, 501, 502, 503])(
    'puts an error of its own in the place of a %i',
    async (status) => {
      const answer: http.RequestListener = (_, response) =>
        response.writeHead(status, { 'X-By': 'workerd' }).end('ERROR: workerd');
      const server = await listen(http.createServer(answer).on('checkContinue', answer));
      ending.push(() => server.close());
      const { port } = await started(proxy, written(proxy, fileOf(folder, file), server.port));
      const answered = await exchange(port, requestOf('GET / HTTP/1.1'));
      expect(answered).toMatch(/^HTTP\/1\.1 [45]\d\d .*\r\nServer: (Caddy|nginx)/);
      expect(answered).not.toContain('workerd');
    },
  );

  it.skipIf(skipped)('has an ordinary error for a relay that is not running', async () => {
    const nobody = await freePort();
    const ours = await started(proxy, written(proxy, fileOf(folder, file), nobody));
    const theirs = await started(proxy, ordinary(proxy, nobody));
    const [{ relay = '', reference = '' } = {}] = await compare(
      [{ name: 'GET', request: async () => requestOf('GET / HTTP/1.1') }],
      ours.port,
      theirs.port,
    );
    expect(relay).toMatch(/^HTTP\/1\.1 502 /);
    expect(undated(relay)).toBe(undated(reference));
  });

  it.skipIf(skipped)('tells the relay where a client is, whatever the client says', async () => {
    const of = await writtenFolder(new PrivateRelay(backend.address, backend.entry));
    ending.push(() => of.remove());
    const script = `import { DurableObject } from 'cloudflare:workers';
      export class Hub extends DurableObject {}
      export default { fetch: ({ headers, url }) => new Response(headers.get('CF-Connecting-IP') + ' ' + url) };`;
    writeFileSync(join(of.folder, 'selfhost', 'relay.js'), script);
    const running = await runFolder(of, commandOfUnit(of), certificate);
    ending.push(() => running.stop());
    const { port } = await started(proxy, written(proxy, fileOf(of, file), running.port));
    const forged = ['CF-Connecting-IP: 203.0.113.7', 'cf-connecting-ip: 203.0.113.8', 'CF_Connecting_IP: 203.0.113.9'];
    const told = 'X-Forwarded-For: 203.0.113.10';
    for (const lines of [
      [],
      forged,
      [...forged, told, 'Connection: CF-Connecting-IP'],
      [told, 'X-Forwarded-Proto: https'],
    ]) {
      const answer = await exchange(port, requestOf('GET /garden HTTP/1.1', lines));
      expect(answer).toContain('\r\n\r\n127.0.0.1 http://site.example/garden');
      expect(answer).not.toContain('203.0.113');
    }
  });

  it.skipIf(skipped || proxy === 'caddy')('leads from port 80 to TLS, and lets certbot renew', async () => {
    const { port } = await started(proxy, (place) => {
      const challenges = join(place.folder, '.well-known/acme-challenge');
      mkdirSync(challenges, { recursive: true });
      writeFileSync(join(challenges, 'a-token'), 'a proof');
      return written(proxy, fileOf(folder, file), 1, 'port 80')(place);
    });
    expect(await exchange(port, requestOf('GET /.well-known/acme-challenge/a-token HTTP/1.1'))).toContain('a proof');
    const answer = await exchange(port, requestOf('GET /garden?roses HTTP/1.1'));
    expect(answer).toContain('\r\nLocation: https://site.example/garden?roses\r\n');
  });
});
