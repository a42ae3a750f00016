/** `npm run selfhost`: what it writes is run as its unit and its container would run it, by the real workerd. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { inviteLink } from '../../client/cli/issue-invite.ts';
import { nodeCipher } from '../../client/node/cipher.ts';
import { createConnection, type PuenteSocket } from '../../client/node/index.ts';
import { type Bytes, toBase64url } from '../../protocol/bytes.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import { askStatus } from '../../volunteer/relay/ask-status.ts';
import { deniedBeside } from '../../volunteer/selfhost/networks.ts';
import { SCRIPT } from '../../volunteer/selfhost/workerd-config.ts';
import { failure } from '../support/failure.ts';
import { type Certificate, makeCertificate } from '../support/fixtures/certificate.ts';
import { startFront } from '../support/network/front.ts';
import { random } from '../support/network/raw-client.ts';
import { findProgram } from '../support/program.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { commandOfContainer, commandOfUnit, fileOf, runFolder, runWorkerd } from '../support/servers/selfhost.ts';
import { workerdBinary } from '../support/servers/workerd.ts';
import { until } from '../support/until.ts';
import { Volunteer } from '../support/wrangler.ts';

const KEY = random(32);
const OLD_KEY = random(32);
const BEFORE = 'https://olive-harbor.example.workers.dev/';
const LOOPBACK = ['--allow', '127.0.0.0/8'];
const TLS = ['--cert', '/etc/tls/chain.pem', '--key', '/etc/tls/key.pem'];

let backend: Backend;
let certificate: Certificate;
const ending: (() => unknown)[] = [];

beforeAll(async () => {
  backend = await startBackend(echo);
  certificate = await makeCertificate();
  tls.setDefaultCACertificates([...tls.getCACertificates(), certificate.cert]);
});

afterAll(async () => {
  for (const { of } of await Promise.all(readOnly.values())) of.remove();
  await backend.close();
});

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

/** Somebody whose relay was at Cloudflare until now. */
function volunteer(vars: Record<string, string> = {}): Volunteer {
  const of = relayOwner(vars);
  ending.push(() => of.remove());
  return of;
}

function relayOwner(vars: Record<string, string> = {}): Volunteer {
  const of = new Volunteer();
  of.write('settings.json', {
    name: 'olive-harbor',
    claimed: true,
    address: BEFORE,
    vars: { ACCESS: 'open', BACKENDS: backend.entry, HUB_REGION: '', ...vars },
    invites: [],
    revoked: [],
  });
  const [RELAY_KEY, OLD_RELAY_KEY] = [KEY, OLD_KEY].map(toBase64url);
  of.write('secrets.json', { RELAY_KEY, OLD_RELAY_KEY, OLD_KEY_UNTIL: '2999-01-01' });
  return of;
}

const selfhost = (of: Volunteer, ...args: string[]) => of.run('selfhost', ...args);

/** Writes the folder, and gives the link that was printed. */
async function written(of: Volunteer, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await selfhost(of, 'roses.example.org', '--json', ...args);
  expect(status, stdout + stderr).toBe(0);
  return (JSON.parse(stdout) as { link: string }).link;
}

interface Written {
  of: Volunteer;
  stdout: string;
  link: string;
}

const readOnly = new Map<string, Promise<Written>>();

/** Written once with these options, for all tests that change nothing in it: each time takes seconds. */
function writtenOnce(...args: string[]): Promise<Written> {
  const write = async (): Promise<Written> => {
    const of = relayOwner();
    const { status, stdout, stderr } = await selfhost(of, 'roses.example.org', ...args);
    expect(status, stdout + stderr).toBe(0);
    return { of, stdout, link: /https:\S+#p\S+/.exec(stdout)?.[0] ?? 'none' };
  };
  const written = readOnly.get(args.join(' ')) ?? write();
  readOnly.set(args.join(' '), written);
  return written;
}

/** Runs a command of the folder's as its host would, on a free port, and gives that. */
async function start(of: Volunteer, command: string[]): Promise<number> {
  const { port, stop } = await runFolder(of, command, certificate);
  ending.push(stop);
  return port;
}

/** The link's, at a port of this machine. */
function linkAt(origin: string, link: string): string {
  return formatLink({ ...parseLink(link), url: `${origin}/` });
}

async function opened(link: string): Promise<PuenteSocket> {
  const socket = createConnection(backend.address, { relay: link });
  ending.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function echoed(socket: PuenteSocket, word: string): Promise<string> {
  socket.write(word);
  return String((await once(socket, 'data'))[0]);
}

async function visited(port: number, headers: http.OutgoingHttpHeaders) {
  const request = http.get({ host: '127.0.0.1', port, headers, path: '/garden' });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return { status: response.statusCode, headers: response.headers, text: await text(response) };
}

describe('the folder', () => {
  it('is what the real wrangler builds', async () => {
    const { of } = await writtenOnce(...LOOPBACK, ...TLS);
    const real = volunteer();
    const command = real.startReal({}, 'selfhost', 'roses.example.org', ...LOOPBACK, ...TLS);
    expect(await command.end(), command.stdout + command.stderr).toBe(0);
    const files = readdirSync(join(real.folder, 'selfhost'));
    expect(files).toContain(SCRIPT);
    for (const name of files) expect(fileOf(of, name), name).toBe(fileOf(real, name));
  });

  it('speaks TLS, and holds sessions whose carrier is cut', async () => {
    const { of, link } = await writtenOnce(...LOOPBACK, ...TLS);
    expect(link).toBe(formatLink({ url: 'https://roses.example.org/', key: await nodeCipher.publicKey(KEY) }));
    const front = await startFront(await start(of, commandOfUnit(of)));
    ending.push(() => front.close());
    const socket = await opened(linkAt(`https://localhost:${front.port}`, link));
    expect(await echoed(socket, 'one')).toBe('one');
    const resumed = once(socket, 'resumed');
    for (const carrier of front.open) carrier.resetAndDestroy();
    expect(await echoed(socket, 'two')).toBe('two');
    expect(await resumed).toEqual([1]);
    expect(front.accepted).toBeGreaterThan(1);
    expect(backend.open.size).toBe(1);
    socket.end();
    await once(socket, 'close');
    await until('the backend is closed', () => backend.open.size === 0);
  });

  it('takes the links of before, of the old key as well', async () => {
    const of = volunteer();
    await written(of, ...LOOPBACK);
    const port = await start(of, commandOfUnit(of));
    for (const secret of [KEY, OLD_KEY]) {
      const link = formatLink({ url: `http://127.0.0.1:${port}/`, key: await nodeCipher.publicKey(secret) });
      expect(await echoed(await opened(link), 'word')).toBe('word');
    }
  });

  it('keeps what it has counted over a restart, in the one folder that its host lets it write', async () => {
    const of = volunteer();
    const link = await written(of, ...LOOPBACK);
    const statusAt = (port: number) => askStatus(`http://127.0.0.1:${port}/`, KEY);
    const port = await start(of, commandOfUnit(of));
    expect(await echoed(await opened(linkAt(`http://127.0.0.1:${port}`, link)), 'word')).toBe('word');
    const counted = await statusAt(port);
    expect(counted).toMatchObject({ answered: 1, days: [{ sessions: 1, up: 4, down: 4 }] });
    for (const end of ending.splice(1).reverse()) await end();
    expect(await statusAt(await start(of, commandOfContainer(of)))).toEqual(counted);

    const [, folder] = /disk = \(path = "(.*?)"/.exec(fileOf(of, 'relay.capnp')) ?? [];
    const [, state] = /^StateDirectory=(.*)$/m.exec(fileOf(of, 'relay.service')) ?? [];
    expect(folder).toBe(`/var/lib/${state}`);
    expect(fileOf(of, 'Containerfile')).toMatch(new RegExp(`install --directory --mode=700 .* ${folder}\n`));
  });

  it('keeps a private relay private: strangers find the site of DECOY_URL, at the address that they asked for', async () => {
    const site = http.createServer((request, response) => {
      const here = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
      response.writeHead(302, { Location: `${here}/roses?from=${request.url}` }).end('roses');
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    ending.push(() => new Promise((resolve) => site.close(resolve)));
    const DECOY_URL = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
    const of = volunteer({ ACCESS: 'invite', DECOY_URL });
    const link = await written(of, ...LOOPBACK);
    const port = await start(of, commandOfContainer(of));
    const seen = await visited(port, { Host: 'roses.example.org', 'X-Forwarded-Proto': 'https' });
    expect(seen).toMatchObject({ status: 302, text: 'roses' });
    expect(seen.headers.location).toBe('https://roses.example.org/roses?from=/garden');

    const origin = `http://127.0.0.1:${port}`;
    expect(await echoed(await opened(linkAt(origin, link)), 'word')).toBe('word');
    const given = { id: random(6) as Bytes, expires: Date.now() + 600_000, sessions: 0, backends: '' };
    expect(await echoed(await opened(linkAt(origin, await inviteLink(BEFORE, KEY, given))), 'word')).toBe('word');
    const { key } = parseLink(link);
    const stranger = createConnection(backend.address, {
      relay: formatLink({ url: `${origin}/`, ...(key && { key }) }),
    });
    expect(await failure(stranger)).toMatchObject({ code: 'not-admitted' });
  });

  it('reaches nothing on its own network unless told to, whatever BACKENDS says', async () => {
    // The last four are 127.0.0.1 again: NAT64, 6to4, IPv4-compatible, IPv4-mapped.
    const hosts = ['127.0.0.1', '[64:ff9b::7f00:1]', '[2002:7f00:1::1]', '[::7f00:1]', '[::ffff:127.0.0.1]'];
    const entries = hosts.map((host) => `any://${host}:${backend.port}`);
    const of = volunteer({ BACKENDS: entries.join(' ') });
    const link = await written(of, ...TLS);
    const port = await start(of, commandOfContainer(of));
    const before = backend.accepted;
    for (const host of hosts) {
      const relay = linkAt(`https://localhost:${port}`, link);
      const socket = createConnection(`${host}:${backend.port}`, { relay });
      expect(await failure(socket), host).toMatchObject({ code: 'backend-down' });
    }
    expect(backend.accepted).toBe(before);
  });

  it('has the key in relay.env alone, which its owner alone can read', async () => {
    const { of, stdout } = await writtenOnce();
    const folder = join(of.folder, 'selfhost');
    expect(readdirSync(folder).sort()).toEqual(
      '.dockerignore Caddyfile Containerfile nginx.conf relay.capnp relay.env relay.js relay.service'.split(' '),
    );
    // One whose workerd speaks TLS has no use for a proxy.
    const { of: direct } = await writtenOnce(...TLS);
    expect(readdirSync(join(direct.folder, 'selfhost'))).not.toContain('Caddyfile');
    for (const secret of [KEY, OLD_KEY].map(toBase64url)) {
      expect(fileOf(of, 'relay.env')).toContain(secret);
      const others = readdirSync(folder).filter((name) => name !== 'relay.env');
      for (const seen of [...others.map((name) => fileOf(of, name)), stdout]) expect(seen).not.toContain(secret);
    }
    const mode = (name: string) => statSync(join(folder, name)).mode & 0o777;
    expect([mode('relay.env'), mode('relay.js'), mode('.')]).toEqual([0o600, 0o644, 0o755]);
    // Nor is it sent to whatever builds the image, or copied into it.
    expect(fileOf(of, '.dockerignore')).toBe('relay.env\n');
  });

  it('is written again, but not over something else', async () => {
    const of = volunteer();
    await written(of);
    const first = fileOf(of, 'relay.capnp');
    chmodSync(join(of.folder, 'selfhost', 'relay.env'), 0o644);
    await written(of, ...TLS);
    expect(fileOf(of, 'relay.capnp')).not.toBe(first);
    expect(statSync(join(of.folder, 'selfhost', 'relay.env')).mode & 0o777).toBe(0o600);

    const mine = join(of.folder, 'mine');
    mkdirSync(mine);
    writeFileSync(join(mine, 'relay.capnp'), 'mine');
    const { status, stderr } = await selfhost(of, 'roses.example.org', '--out', 'mine');
    expect([status, stderr]).toEqual([1, expect.stringContaining('--out')]);
    expect([readdirSync(mine), readFileSync(join(mine, 'relay.capnp'), 'utf8')]).toEqual([['relay.capnp'], 'mine']);
    expect((await selfhost(of, 'roses.example.org', '--out', of.folder)).status).toBe(1);
  });
});

describe('what starts it', () => {
  it.runIf(findProgram('systemd-analyze')).each([
    ['behind a proxy', []],
    ['with TLS', TLS],
  ])('is a unit that systemd understands: %s', async (_how, args) => {
    const { of } = await writtenOnce(...args);
    // What is not here: the program at its place, the folder, and a certificate.
    const unit = join(of.folder, 'relay.service');
    writeFileSync(unit, fileOf(of, 'relay.service').replace('/usr/local/bin/workerd', workerdBinary()));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
    const ofOthers = (line: string) => !line.includes('relay.service');
    expect([status, (stdout + stderr).split('\n').filter((line) => line && !ofOthers(line))]).toEqual([0, []]);
    // It can name where users go.
    expect(fileOf(of, 'relay.service')).toMatch(/^StandardOutput=null\nStandardError=null$/m);
    expect(/^CapabilityBoundingSet=(.*)$/m.exec(fileOf(of, 'relay.service'))?.[1]).toBe(
      args.length > 0 ? 'CAP_NET_BIND_SERVICE' : '',
    );
  });

  it('is an image of known instructions, for a user who is not root', async () => {
    const { of } = await writtenOnce(...TLS);
    const lines = fileOf(of, 'Containerfile').replaceAll('\\\n', ' ').trim().split('\n');
    const instructions = lines.filter((line) => line && !line.startsWith('#')).map((line) => line.split(/ (.*)/s));
    expect(instructions.map(([name]) => name)).toEqual(
      'FROM RUN FROM RUN COPY COPY WORKDIR USER EXPOSE ENTRYPOINT'.split(' '),
    );
    const copied = instructions.filter(([name]) => name === 'COPY').map(([, rest]) => rest);
    expect(copied[1]).toBe('--chmod=444 relay.js relay.capnp /etc/relay/');
    expect(instructions.find(([name]) => name === 'USER')?.[1]).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });
});

describe('the configuration', () => {
  it('believes nobody who says where a request is from, where workerd faces the network itself', async () => {
    const of = volunteer();
    await written(of, ...TLS);
    insteadOfTheRelay(of, `({ headers, url }) => new Response(headers.get('CF-Connecting-IP') + ' ' + url)`);
    const port = await start(of, commandOfUnit(of));
    const headers = { 'CF-Connecting-IP': '203.0.113.7', Host: 'roses.example.org' };
    const request = https.get({
      host: 'localhost',
      servername: 'localhost',
      port,
      headers,
      path: '/garden',
      agent: false,
    });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    expect(await text(response)).toBe('null https://roses.example.org/garden');
  });

  it('refuses addresses of every block for special purposes', async () => {
    const of = volunteer();
    await written(of);
    const connect = `import { connect } from 'cloudflare:sockets';`;
    insteadOfTheRelay(of, `({ url }) => connect(new URL(url).searchParams.get('to')).opened.then(() => null)`, connect);
    const left = SPECIAL_ADDRESSES.values();
    const reached: string[] = [];
    const work = async () => {
      for (const address of left) if (!(await isRefused(of, address))) reached.push(address);
    };
    await Promise.all([work(), work(), work()]);
    expect(reached).toEqual([]);
    // That it would tell.
    expect(await isRefused(of, '192.31.196.1')).toBe(false);
  });

  it('lets the relay reach what its volunteer allows, also of these blocks', () => {
    const all = deniedBeside([]);
    expect(deniedBeside(['127.0.0.1/32', '198.18.5.0/24', 'fd00::/8'])).toEqual(all);
    const without = (...blocks: string[]) => all.filter((block) => !blocks.includes(block));
    expect(deniedBeside(['64:ff9b::/96'])).toEqual(without('64:ff9b::/96'));
    expect(deniedBeside(['198.0.0.0/8'])).toEqual(without('198.18.0.0/15', '198.51.100.0/24'));
    expect(deniedBeside(['0.0.0.0/0', '::/0'])).toEqual([]);
  });
});

/** One of each block that no relay reaches, workerd's own list included. */
const SPECIAL_ADDRESSES = [
  ...[
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.1.1',
    '172.16.0.1',
    '192.0.0.1',
    '192.0.2.1',
  ],
  ...['192.88.99.1', '192.168.0.1', '198.18.0.1', '198.19.255.1', '198.51.100.1', '203.0.113.1', '224.0.0.1'],
  ...['240.0.0.1', '255.255.255.255', '[::]', '[::1]', '[::7f00:1]', '[::ffff:127.0.0.1]', '[::ffff:10.0.0.1]'],
  ...['[::ffff:0:7f00:1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[100::1]', '[100:0:0:1::1]', '[2001::1]'],
  ...['[2001:2::1]', '[2001:20::1]', '[2001:db8::1]', '[2002:7f00:1::1]', '[3fff::1]', '[5f00::1]', '[fc00::1]'],
  ...['[fe80::1]', '[fec0::1]', '[ff02::1]'],
];

/** Writes a Worker in the place of the relay's, which then runs with the relay's configuration. */
function insteadOfTheRelay(of: Volunteer, handler: string, imports = ''): void {
  const script = `import { DurableObject } from 'cloudflare:workers';
    ${imports}
    export class Hub extends DurableObject {}
    export default { fetch: ${handler} };`;
  writeFileSync(join(of.folder, 'selfhost', SCRIPT), script);
}

/** Whether workerd refuses by its configuration, which it says of one address only while it runs. */
async function isRefused(of: Volunteer, address: string): Promise<boolean> {
  let said = '';
  const state = mkdtempSync(join(of.folder, 'state-'));
  const args = [`--directory-path=objects=${state}`, 'relay.capnp'];
  const { port, stop } = await runWorkerd(join(of.folder, 'selfhost'), 'http', args, {}, (text) => {
    said += text;
  });
  const answered = fetch(`http://127.0.0.1:${port}/?to=${encodeURIComponent(`${address}:9`)}`).then((r) => r.text());
  // Where it does not refuse, nobody may answer.
  await Promise.race([answered.catch(() => {}), new Promise((resolve) => setTimeout(resolve, 1000))]);
  await stop();
  return said.includes('is not allowed');
}

describe('the command', () => {
  it('says what to do next, and how users go on', async () => {
    const { of, stdout } = await writtenOnce();
    for (const says of [
      'systemctl restart relay',
      'podman build',
      '--log-driver none',
      '--volume relay:/var/lib/relay',
      'cp /etc/relay/Caddyfile /etc/caddy/Caddyfile',
      'cp /etc/relay/nginx.conf /etc/nginx/nginx.conf',
      '--domain roses.example.org',
      BEFORE,
    ])
      expect(stdout).toContain(says);
    expect(JSON.parse(of.read('settings.json')).address).toBe('https://roses.example.org/');
  });

  it('gives a relay that was open new keys when it is closed, and says that links end', async () => {
    const of = volunteer();
    const refused = of.start('selfhost', 'roses.example.org', '--access', 'invite');
    refused.endInput('no\n');
    expect(await refused.end()).toBe(1);
    expect(existsSync(join(of.folder, 'selfhost'))).toBe(false);

    const { status, stdout, stderr } = await selfhost(of, 'roses.example.org', '--yes', '--access', 'invite');
    expect([status, stderr]).toEqual([0, expect.stringContaining('all links that have this one end')]);
    const keys = Object.fromEntries(
      fileOf(of, 'relay.env')
        .trim()
        .split('\n')
        .map((line) => line.split('=')),
    );
    const before = [KEY, OLD_KEY].map(toBase64url);
    expect([keys.RELAY_KEY, keys.OLD_RELAY_KEY].filter((key) => before.includes(key))).toEqual([]);
    expect(keys.OLD_KEY_UNTIL).toBe('1970-01-01');
    expect(stdout).toMatch(/#p[a-z\d]{59,}\n/);
    // Links to its old address would not work at the new one.
    expect(stdout).not.toContain(BEFORE);
  });

  it('knows later that it has published a key', async () => {
    const of = new Volunteer();
    ending.push(() => of.remove());
    const options = ['roses.example.org', '--yes', '--json'];
    const first = JSON.parse((await selfhost(of, ...options, '--access', 'open')).stdout) as { link: string };
    const settings = JSON.parse(of.read('settings.json'));
    expect(settings.published).toEqual([toBase64url(parseLink(first.link).key as Bytes)]);
    of.write('settings.json', { ...settings, vars: { ...settings.vars, ACCESS: 'invite' } });
    const { stdout, stderr } = await selfhost(of, ...options);
    expect(stderr).toContain('all links that have this one end');
    const second = JSON.parse(stdout) as { link: string };
    expect(parseLink(second.link).key).not.toEqual(parseLink(first.link).key);
  });

  it('takes a path, which stands in the link and not in what the proxy serves', async () => {
    const of = relayOwner();
    const { stdout } = await selfhost(of, 'roses.example.org/a/path', '--json');
    const { link } = JSON.parse(stdout) as { link: string };
    expect(parseLink(link).url).toBe('https://roses.example.org/a/path/');
    expect(JSON.parse(of.read('settings.json')).address).toBe('https://roses.example.org/a/path/');
    expect(fileOf(of, 'Caddyfile')).toContain('\nroses.example.org {');
  });

  it('makes a relay where there is none, and leaves its questions at what is usual with --yes', async () => {
    const of = new Volunteer();
    ending.push(() => of.remove());
    const { status, stdout } = await selfhost(of, 'roses.example.org', '--yes');
    expect([status, stdout]).toEqual([0, expect.stringMatching(/https:\/\/roses\.example\.org\/#p[a-z\d]{59,}\n/)]);
    expect(JSON.parse(of.read('settings.json')).vars).toEqual({
      ACCESS: 'invite',
      BACKENDS: 'whatsapp',
      HUB_REGION: '',
    });
  });

  it.each<[string[], RegExp]>([
    [[], /at which address/],
    [['a.example', 'b.example'], /at which address/],
    [['http://roses.example.org'], /https/],
    [['roses.example.org', '--cert', '/etc/tls/cert.pem'], /--key/],
    [['roses.example.org', '--cert', 'cert.pem', '--key', 'key.pem'], /whole paths/],
    [['roses.example.org', '--port', '0'], /--port/],
    [['roses.example.org', '--allow', 'private'], /--allow/],
    [['roses.example.org', '--allow', '127.0.0.1/33'], /--allow/],
    [['roses.example.org', '--backends', 'nowhere'], /BACKENDS/],
  ])('refuses %j with 2, and writes nothing', async (args, says) => {
    const of = volunteer();
    const before = of.read('settings.json');
    const { status, stderr } = await selfhost(of, ...args);
    expect([status, stderr]).toEqual([2, expect.stringMatching(says)]);
    expect([existsSync(join(of.folder, 'selfhost')), of.read('settings.json')]).toEqual([false, before]);
  });
});
