/** `npm run deploy` and what follows it: with a stand-in for wrangler, and the Worker itself at the address where it deploys. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { decodeQR } from 'qr/decode.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { randomKey } from '../../client/cli/issue-invite.ts';
import { type Bytes, fromBase64url, toBase64url } from '../../protocol/bytes.ts';
import { decodeInvite } from '../../protocol/permits/invite.ts';
import { parseLink } from '../../protocol/permits/link.ts';
import { type RelayFront, startRelayFront } from '../support/network/relay-front.ts';
import { type Backend, startBackend } from '../support/servers/backend.ts';
import { startCloudflareApi } from '../support/servers/cloudflare-api.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';
import { type Account, Volunteer } from '../support/wrangler.ts';

const QUIET = 4;
let backend: Backend;
const ending: (() => unknown)[] = [];

beforeAll(async () => {
  // A TLS alert is an answer, too.
  backend = await startBackend((socket) => socket.once('data', () => socket.write(Buffer.of(21, 3, 3, 0, 2, 2, 40))));
});

afterAll(() => backend.close());

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

function volunteer(account?: Account): Volunteer {
  const made = new Volunteer(account);
  ending.push(() => made.remove());
  return made;
}

/** The Worker with what the last deploy gave it, at the address that the stand-in names. */
async function deployedRelay(of: Volunteer, front: string): Promise<RelayFront> {
  const { args, secrets } = of.calls.findLast(({ args: [command] }) => command === 'deploy') ?? { args: [] };
  const vars = args.flatMap((word, index) => (args[index - 1] === '--var' ? [word.split(/:(.*)/s).slice(0, 2)] : []));
  const { RELAY_KEY = '', ...others } = secrets ?? {};
  const relay: Relay = await startRelay(
    { ...Object.fromEntries(vars), ...others },
    fromBase64url(RELAY_KEY) as Uint8Array<ArrayBuffer>,
  );
  ending.push(() => relay.close());
  const { hostname, port } = new URL(front);
  const started = await startRelayFront(hostname, relay.origin, Number(port));
  ending.push(() => started.kill());
  return started;
}

/** An address at which nothing answers yet. */
async function freeAddress(): Promise<string> {
  const front = await startRelayFront('127.0.0.1', 'http://127.0.0.1:1/');
  await front.kill();
  return front.origin;
}

const linkIn = (stdout: string): string => /https?:\/\/\S+#p\S+/.exec(stdout)?.[0] ?? 'none';

describe('npm run deploy', () => {
  it('makes a key and a name, uploads them, waits until the relay works, and prints its link', async () => {
    const target = await freeAddress();
    const of = volunteer({ targets: [target.replace(/\/$/, '')] });
    const command = of.start('deploy', '--yes', '--backends', backend.address, '--region', 'me');
    command.endInput();
    await command.says('Waiting');
    await deployedRelay(of, target);
    expect(await command.end(), command.stdout + command.stderr).toBe(0);
    expect(command.stdout).toContain(`✓ ${target}\n  It works.`);

    const { name } = JSON.parse(of.read('settings.json')) as { name: string };
    expect(name).toMatch(/^[a-z]+-[a-z]+$/);
    const [who, listed, deployed] = of.calls;
    expect(who?.args).toEqual(['whoami', '--json']);
    expect(listed?.args).toEqual(['secret', 'list', '--name', name]);
    expect(deployed?.args.slice(0, 5)).toEqual(['deploy', '--config', expect.any(String), '--name', name]);
    expect(deployed?.args).toEqual(
      expect.arrayContaining(['ACCESS:invite', `BACKENDS:${backend.address}`, 'HUB_REGION:me', 'REVOKED:']),
    );
    const link = linkIn(command.stdout);
    expect(link.startsWith(`${target}#p`)).toBe(true);
    const { sessions, expires } = decodeInvite(parseLink(link).invite as Bytes) ?? {};
    expect(sessions).toBe(64);
    expect(expires).toBeGreaterThan(Date.now());
  });

  it('puts an open relay where that is said, and shares its link without an invite', async () => {
    const of = volunteer();
    const { stdout } = await of.run('deploy', '--dry-run', '--yes', '--access', 'open');
    expect(parseLink(linkIn(stdout)).invite).toBeUndefined();
    expect(JSON.parse(of.read('settings.json')).vars.ACCESS).toBe('open');
  });

  it('keeps the key where its owner alone can read it, and shows it to nobody', async () => {
    const of = volunteer({ targets: ['https://x.example.workers.dev'], deployFails: { message: 'no' } });
    const { status, stdout, stderr } = await of.run('deploy', '--yes');
    expect(status).toBe(1);
    const { RELAY_KEY } = JSON.parse(of.read('secrets.json')) as { RELAY_KEY: string };
    expect(fromBase64url(RELAY_KEY)).toHaveLength(32);
    const deployed = of.calls.at(-1);
    expect(deployed?.secrets).toEqual({ RELAY_KEY });
    for (const seen of [deployed?.args, deployed?.env, stdout, stderr, of.read('settings.json')])
      expect(JSON.stringify(seen)).not.toContain(RELAY_KEY);
    expect(deployed?.env).toMatchObject({ WRANGLER_SEND_METRICS: 'false' });
    const mode = (path: string) => statSync(join(of.folder, '.relay', path)).mode & 0o777;
    expect([mode('.'), mode('secrets.json'), mode('settings.json')]).toEqual([0o700, 0o600, 0o600]);
  });

  it('passes no key on that stands in its own environment', async () => {
    const of = volunteer({ targets: [], deployFails: { message: 'no' } });
    process.env.RELAY_KEY = 'from-the-environment';
    ending.push(() => delete process.env.RELAY_KEY);
    await of.run('deploy', '--yes');
    expect(of.calls.length).toBe(3);
    for (const { env } of of.calls) expect(JSON.stringify(env)).not.toContain('from-the-environment');
  });

  it('changes nothing when it is called again', async () => {
    const of = volunteer({ targets: ['https://x.example.workers.dev'], deployFails: { message: 'no' } });
    await of.run('deploy', '--yes', '--backends', 'chat.example.org:5223', '--region', 'me');
    const [settings, secrets, first] = [of.read('settings.json'), of.read('secrets.json'), of.calls.at(-1)];
    of.account({ targets: [], workers: [JSON.parse(settings).name], deployFails: { message: 'no' } });
    // Not a question is left, so it needs no --yes; and the name is known to be its own.
    await of.run('deploy');
    expect(of.calls.slice(3).map(({ args: [command] }) => command)).toEqual(['whoami', 'deploy']);
    expect([of.read('settings.json'), of.read('secrets.json')]).toEqual([settings, secrets]);
    expect(of.calls.at(-1)?.args).toEqual(first?.args);
  });

  it.each(['open', 'invite'])('changes what an option says, and nothing else: the relay stays %s', async (access) => {
    const of = volunteer({ targets: [], deployFails: { message: 'no' } });
    await of.run('deploy', '--yes', '--access', access, '--region', 'me');
    const before = JSON.parse(of.read('settings.json'));
    const secrets = of.read('secrets.json');
    await of.run('deploy', '--yes', '--region', 'eeur');
    expect(JSON.parse(of.read('settings.json'))).toEqual({ ...before, vars: { ...before.vars, HUB_REGION: 'eeur' } });
    expect(before.vars.ACCESS).toBe(access);
    expect(of.read('secrets.json')).toBe(secrets);
  });

  // The util-linux program of that name; elsewhere it takes other arguments.
  it.runIf(process.platform === 'linux')(
    'asks at a terminal, again after an answer that will not do, and draws the link there',
    () => {
      const of = volunteer({ targets: [], loggedIn: true, deployFails: { message: 'no' } });
      const keys = 'nobody\rinvite\rchat.example.org\rchat.example.org:5223\rmars\rme\r';
      const { stdout } = of.runAtTerminal(keys, 'deploy');
      expect(stdout).toContain('ACCESS is "nobody"');
      expect(stdout).toContain('BACKENDS has "chat.example.org"');
      expect(stdout).toContain('HUB_REGION is "mars"');
      expect(JSON.parse(of.read('settings.json')).vars).toEqual({
        ACCESS: 'invite',
        BACKENDS: 'chat.example.org:5223',
        HUB_REGION: 'me',
      });
    },
  );

  it.each([
    ['\n', 'invite'],
    ['o\n', 'open'],
    ['i\n', 'invite'],
  ])('takes %j for who may use it, and says why it proposes "invite"', async (answer, access) => {
    const of = volunteer({ targets: [] });
    const command = of.start('deploy', '--dry-run', '--region', 'me', '--backends', 'whatsapp');
    command.endInput(answer);
    expect(await command.end(), command.stderr).toBe(0);
    expect(command.stdout).toMatch(/An open relay says what it is .*\[invite\]/);
    expect(JSON.parse(of.read('settings.json')).vars.ACCESS).toBe(access);
  });

  it('takes answers from a file, an empty line for what is usual, and says when they are at their end', async () => {
    const of = volunteer({ targets: [], deployFails: { message: 'no' } });
    const command = of.start('deploy');
    command.endInput('invite\n\n');
    expect(await command.end()).toBe(2);
    expect(command.stderr).toContain('--yes');
    expect(of.calls).toEqual([]);
    expect(existsSync(join(of.folder, '.relay'))).toBe(false);
  });

  it('asks which account, where there are several, and stays with it', async () => {
    const accounts = [
      { id: 'a1', name: 'Mine' },
      { id: 'b2', name: 'Ours' },
    ];
    const of = volunteer({ targets: [], accounts, deployFails: { message: 'no' } });
    const command = of.start('deploy', '--yes');
    command.endInput('3\n2\n');
    await command.end();
    expect(command.stdout).toContain('  2  Ours');
    expect(of.calls.slice(1).map(({ env }) => env.CLOUDFLARE_ACCOUNT_ID)).toEqual(['b2', 'b2']);
  });

  it('answers at a domain of the volunteer’s own', async () => {
    const of = volunteer({ targets: [], deployFails: { message: 'no' } });
    await of.run('deploy', '--yes', '--domain', 'roses.example.org');
    expect(of.calls.at(-1)?.args.join(' ')).toContain('--domain roses.example.org');
  });

  it('leaves the build of the "Deploy to Cloudflare" button to wrangler.toml', async () => {
    const of = volunteer({ targets: [] });
    process.env.WORKERS_CI = '1';
    ending.push(() => delete process.env.WORKERS_CI);
    expect((await of.run('deploy')).status).toBe(0);
    expect(of.calls.map(({ args }) => args)).toEqual([['deploy']]);
    expect(existsSync(join(of.folder, '.relay'))).toBe(false);
  });

  it.each<[string, Partial<Account>, RegExp]>([
    ['nobody is logged in', { loggedIn: false }, /not logged in.*npx wrangler login.*CLOUDFLARE_API_TOKEN/s],
    [
      'Cloudflare is out of reach',
      { deployFails: { message: 'fetch failed' } },
      /cannot be reached.*api\.cloudflare\.com/s,
    ],
    [
      'the account has no subdomain',
      {
        deployFails: {
          message: 'You can either deploy your worker to one or more routes, or register a workers.dev subdomain here',
        },
      },
      /no workers\.dev subdomain/,
    ],
    [
      'wrangler says something else',
      { deployFails: { message: 'odd', code: 4711 } },
      /Wrangler failed: odd \[code: 4711\]/,
    ],
  ])('says what to do when %s', async (_, account, says) => {
    const of = volunteer({ targets: [], ...account });
    const { status, stderr } = await of.run('deploy', '--yes');
    expect([status, stderr]).toEqual([1, expect.stringMatching(says)]);
  });

  it('does not take the place of another Worker', async () => {
    const of = volunteer({ targets: [], workers: ['blog'] });
    const { status, stderr } = await of.run('deploy', '--yes', '--name', 'blog');
    expect([status, stderr]).toEqual([1, expect.stringContaining('a Worker "blog" already')]);
    expect(of.calls.some(({ args: [command] }) => command === 'deploy')).toBe(false);
  });

  it.each([
    [['--name', 'my-proxy'], /"proxy"/],
    [['--name', 'No'], /no name for a Worker/],
    [['--access', 'all'], /ACCESS is "all"/],
    [['--backends', 'nowhere'], /BACKENDS has "nowhere"/],
    [['--region', 'mars'], /HUB_REGION is "mars"/],
    [['--domain', 'https://roses.example.org/'], /no host name/],
    [['--what'], /--what/],
  ])('refuses %j with 2, and calls nobody', async (args, says) => {
    const of = volunteer();
    const { status, stderr } = await of.run('deploy', '--yes', ...args);
    expect([status, stderr]).toEqual([2, expect.stringMatching(says)]);
    expect(of.calls).toEqual([]);
    expect(existsSync(join(of.folder, '.relay'))).toBe(false);
  });

  it('refuses a key that others can read, and folders that were damaged', async () => {
    const of = volunteer();
    await of.run('deploy', '--yes', '--dry-run');
    const { chmodSync, writeFileSync } = await import('node:fs');
    const path = join(of.folder, '.relay/secrets.json');
    chmodSync(path, 0o644);
    expect(await of.run('deploy')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(`chmod 600 .relay/secrets.json`),
    });
    chmodSync(path, 0o600);
    writeFileSync(join(of.folder, '.relay/settings.json'), '{');
    expect(await of.run('deploy')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('settings.json cannot be'),
    });
  });
});

describe('a key that was published', () => {
  const RAN = { targets: ['https://olive-harbor.example.workers.dev'] };
  const TODAY = new Date().toISOString().slice(0, 10);

  interface Secrets {
    RELAY_KEY: string;
    OLD_RELAY_KEY?: string;
    OLD_KEY_UNTIL?: string;
  }

  const secretsOf = (of: Volunteer) => JSON.parse(of.read('secrets.json')) as Secrets;
  const settingsOf = (of: Volunteer) => JSON.parse(of.read('settings.json'));

  /** By the uploads, in their order: the keys that were published, and those of them that a private relay took after that. */
  function keysUploaded(of: Volunteer): { published: Set<string>; misused: string[] } {
    const published = new Set<string>();
    const misused: string[] = [];
    // A secret that a deploy does not name stays in the Worker.
    let kept: Partial<Secrets> = {};
    for (const { args, secrets } of of.calls.filter(({ args: [command] }) => command === 'deploy')) {
      kept = { ...kept, ...secrets };
      const { RELAY_KEY = '', OLD_RELAY_KEY = '', OLD_KEY_UNTIL = '' } = kept;
      const taken = OLD_KEY_UNTIL >= TODAY ? [RELAY_KEY, OLD_RELAY_KEY] : [RELAY_KEY];
      if (args.includes('ACCESS:open')) published.add(RELAY_KEY);
      else misused.push(...taken.filter((key) => published.has(key)));
    }
    return { published, misused };
  }

  /** Runs commands up to their upload: what comes after it waits for a relay that is not there. */
  async function uploaded(of: Volunteer, ...commands: string[][]): Promise<string> {
    let said = '';
    for (const words of commands) {
      const command = of.start(...words);
      command.endInput();
      await command.says('Waiting');
      command.kill();
      said += command.stdout + command.stderr;
    }
    return said;
  }

  const open = ['deploy', '--yes', '--access', 'open'];
  const close = ['deploy', '--yes', '--access', 'invite'];
  const rotate = ['rotate', '--yes'];

  it.each([
    ['open → invite', 1, [open, close]],
    ['open → rotate → invite', 2, [open, rotate, close]],
    ['open → rotate at once → invite', 2, [open, [...rotate, '--now'], close]],
    ['open → invite → open → invite', 2, [open, close, open, close]],
    ['open → invite → rotate', 1, [open, close, rotate]],
  ])('never serves a private relay: %s', async (_, count, commands) => {
    const of = volunteer(RAN);
    const said = await uploaded(of, ...commands);
    const { published, misused } = keysUploaded(of);
    expect(published.size).toBe(count);
    expect(misused).toEqual([]);
    expect(said).toMatch(/all links that have this one end/);
    // Nor does the folder have it any more, to serve one by mistake.
    const { RELAY_KEY, OLD_RELAY_KEY = '' } = secretsOf(of);
    expect([RELAY_KEY, OLD_RELAY_KEY].filter((key) => published.has(key))).toEqual([]);
    expect(linkIn(said)).not.toBe('none');
  });

  it('is known where settings were edited by hand, whatever deploys them', async () => {
    for (const command of [
      ['deploy', '--yes'],
      ['revoke', 'AAAAAAAA', '--yes'],
    ]) {
      const of = volunteer(RAN);
      await uploaded(of, open);
      const settings = settingsOf(of);
      of.write('settings.json', { ...settings, vars: { ...settings.vars, ACCESS: 'invite' } });
      for (const [words, says] of [
        [['invite', '--for', 'ana'], 'npm run deploy'],
        [['rotate', '--yes'], 'npm run deploy'],
      ] as const)
        expect(await of.run(...words)).toMatchObject({ status: 2, stderr: expect.stringContaining(says) });
      await uploaded(of, command);
      expect(keysUploaded(of).misused).toEqual([]);
    }
  });

  it('is known in a folder of an earlier version, which does not note it', async () => {
    const of = volunteer(RAN);
    await uploaded(of, open, rotate);
    const { published: unknown, ...settings } = settingsOf(of);
    expect(unknown).toHaveLength(2);
    of.write('settings.json', settings);
    await uploaded(of, close);
    const { published, misused } = keysUploaded(of);
    expect([published.size, misused]).toEqual([2, []]);
  });

  it('ends with its links only when the volunteer agrees', async () => {
    const of = volunteer(RAN);
    await uploaded(of, open);
    const before = [of.read('settings.json'), of.read('secrets.json')];
    for (const [answer, status] of [
      ['no\n', 1],
      ['', 2],
    ] as const) {
      const command = of.start('deploy', '--access', 'invite');
      command.endInput(answer);
      expect(await command.end()).toBe(status);
      expect(command.stderr).toMatch(/all links that have this one end/);
      expect([of.read('settings.json'), of.read('secrets.json')]).toEqual(before);
    }
    expect(of.calls.filter(({ args: [command] }) => command === 'deploy')).toHaveLength(1);
  });

  it('is not one that was only tried, so links of a private relay last', async () => {
    const of = volunteer(RAN);
    await uploaded(of, close);
    const secrets = of.read('secrets.json');
    for (const access of ['open', 'invite']) {
      const { status, stderr } = await of.run('deploy', '--dry-run', '--access', access);
      expect([status, stderr]).toEqual([0, '']);
    }
    expect(of.read('secrets.json')).toBe(secrets);
  });

  it('leaves the old key of a private time its days', async () => {
    const of = volunteer(RAN);
    await uploaded(of, close, rotate, open);
    const before = secretsOf(of);
    await uploaded(of, close);
    const { RELAY_KEY, ...old } = secretsOf(of);
    expect(RELAY_KEY).not.toBe(before.RELAY_KEY);
    expect(old).toEqual({ OLD_RELAY_KEY: before.OLD_RELAY_KEY, OLD_KEY_UNTIL: before.OLD_KEY_UNTIL });
    expect(keysUploaded(of).misused).toEqual([]);
  });
});

describe('npm run deploy, with the real wrangler and a stand-in for Cloudflare', () => {
  it('uploads the settings, and the key as a secret, and finds the address', async () => {
    const cloudflare = await startCloudflareApi();
    ending.push(() => cloudflare.close());
    const env = { CLOUDFLARE_API_BASE_URL: cloudflare.url, CLOUDFLARE_API_TOKEN: 'x'.repeat(40) };
    const of = volunteer();
    const args = [
      'deploy',
      '--yes',
      '--name',
      'olive-harbor',
      '--access',
      'open',
      '--backends',
      'chat.example.org:5223, *.example.net:443',
    ];
    const first = of.startReal(env, ...args);
    await first.says('https://olive-harbor.example.workers.dev/#p');
    first.kill();
    const { bindings, keep_bindings, migrations } = cloudflare.uploads.get('olive-harbor') ?? { bindings: [] };
    const { RELAY_KEY } = JSON.parse(of.read('secrets.json'));
    for (const binding of [
      { name: 'RELAY_KEY', type: 'secret_text', text: RELAY_KEY },
      { name: 'BACKENDS', type: 'plain_text', text: 'chat.example.org:5223, *.example.net:443' },
      { name: 'HUB_REGION', type: 'plain_text', text: '' },
    ])
      expect(bindings).toContainEqual(binding);
    expect(keep_bindings).toContain('secret_text');
    expect(migrations).toMatchObject({ new_tag: 'v1' });

    const stranger = await volunteer()
      .startReal(env, ...args)
      .end();
    expect(stranger).toBe(1);
    expect(cloudflare.uploads.get('olive-harbor')?.bindings).toEqual(bindings);
  });

  it('writes over the old key that was published, as a secret that is not named is kept', async () => {
    const cloudflare = await startCloudflareApi();
    ending.push(() => cloudflare.close());
    const env = { CLOUDFLARE_API_BASE_URL: cloudflare.url, CLOUDFLARE_API_TOKEN: 'x'.repeat(40) };
    const of = volunteer();
    const vars = { ACCESS: 'open', BACKENDS: 'whatsapp', HUB_REGION: '' };
    of.write('settings.json', { name: 'olive-harbor', claimed: true, vars, invites: [], revoked: [] });
    const [before, old] = [randomKey(), randomKey()];
    of.write('secrets.json', { RELAY_KEY: before, OLD_RELAY_KEY: old, OLD_KEY_UNTIL: '2999-01-01' });
    const command = of.startReal(env, 'deploy', '--yes', '--access', 'invite');
    await command.says('Waiting');
    command.kill();
    const { bindings, keep_bindings } = cloudflare.uploads.get('olive-harbor') ?? { bindings: [] };
    expect(keep_bindings).toContain('secret_text');
    const { RELAY_KEY, OLD_RELAY_KEY } = JSON.parse(of.read('secrets.json'));
    expect([RELAY_KEY, OLD_RELAY_KEY].filter((key) => [before, old].includes(key))).toEqual([]);
    for (const [name, text] of Object.entries({ RELAY_KEY, OLD_RELAY_KEY, OLD_KEY_UNTIL: '1970-01-01' }))
      expect(bindings).toContainEqual({ name, type: 'secret_text', text });
  });
});

describe('npm run deploy -- --dry-run', () => {
  it('builds with the real wrangler, without an account, and prints the link that it will have', async () => {
    const of = volunteer();
    const { status, stdout, stderr } = await of.dryRun(
      '--yes',
      '--access',
      'open',
      '--name',
      'olive-harbor',
      '--no-qr',
    );
    expect(status, stdout + stderr).toBe(0);
    for (const says of ['env.RELAY_KEY', 'env.HUB_REGION', '--dry-run: exiting now', 'Nothing was uploaded'])
      expect(stdout).toContain(says);
    expect(stdout).toMatch(/https:\/\/olive-harbor\.your-subdomain\.workers\.dev\/#p[a-z\d]{58}\n/);
    const again = await of.run('deploy', '--dry-run', '--no-qr');
    expect(linkIn(again.stdout)).toBe(linkIn(stdout));
  });

  it('draws the link as a QR code that can be read', async () => {
    const of = volunteer();
    const { stdout } = await of.run('deploy', '--dry-run', '--yes', '--access', 'invite', '--qr');
    expect(read(stdout)).toBe(linkIn(stdout));
    const { invite } = parseLink(linkIn(stdout));
    expect(decodeInvite(invite as Bytes)?.expires).toBeGreaterThan(Date.now());
  });
});

/** What a camera sees of the lines between black and white. */
function read(stdout: string): string {
  const [start, end] = ['\x1b[38;5;16;48;5;231m', '\x1b[0m'];
  const drawn = stdout.split('\n').filter((line) => line.startsWith(start));
  const lines = drawn.map((line) => line.slice(start.length, line.indexOf(end)));
  const rows = lines.flatMap((line) => [
    Array.from(line, (block) => block === '█' || block === '▀'),
    Array.from(line, (block) => block === '█' || block === '▄'),
  ]);
  expect(rows.slice(0, QUIET).flat()).not.toContain(true);
  const scale = 4;
  const width = (rows[0]?.length ?? 0) * scale;
  const height = rows.length * scale;
  const data = Uint8Array.from({ length: width * height * 4 }, (_, at) => {
    const [x, y] = [Math.floor((at / 4) % width), Math.floor(at / 4 / width)];
    return at % 4 === 3 || !rows[Math.floor(y / scale)]?.[Math.floor(x / scale)] ? 255 : 0;
  });
  return decodeQR({ width, height, data });
}

describe('invite, revoke and rotate', () => {
  /** A private relay that is deployed. */
  async function privateRelay() {
    const target = await freeAddress();
    const of = volunteer({ targets: [target] });
    const command = of.start('deploy', '--yes', '--access', 'invite', '--backends', backend.address);
    command.endInput();
    await command.says('Waiting');
    const front = await deployedRelay(of, target);
    expect(await command.end(), command.stdout + command.stderr).toBe(0);
    return { of, target, front, link: linkIn(command.stdout) };
  }

  it('makes invites that work until they are taken back, by label', async () => {
    const { of, target, front } = await privateRelay();
    const made = await of.run('invite', '--for', 'ana', '--expires', '30d', '--json');
    const { id, link } = JSON.parse(made.stdout) as { id: string; link: string };
    expect(parseLink(link).url).toBe(target);
    const settings = of.read('settings.json');
    expect(JSON.parse(settings).invites.at(-1)).toMatchObject({ id, for: 'ana' });
    expect(settings).not.toContain(link.split('#')[1]);
    expect(await checked(link)).toBeNull();

    await front.kill();
    const revoking = of.start('revoke', 'ana', '--yes');
    revoking.endInput();
    await revoking.says('Waiting');
    await deployedRelay(of, target);
    expect(await revoking.end(), revoking.stdout + revoking.stderr).toBe(0);
    expect(of.calls.at(-1)?.args).toContain(`REVOKED:${id}`);
    expect(await checked(link)).toBe('not-admitted');
  });

  it('gives a new key, under which old links last for a while', async () => {
    const { of, target, front, link } = await privateRelay();
    const before = JSON.parse(of.read('secrets.json'));
    await front.kill();
    const rotating = of.start('rotate', '--yes');
    rotating.endInput();
    await rotating.says('Waiting');
    await deployedRelay(of, target);
    expect(await rotating.end(), rotating.stdout + rotating.stderr).toBe(0);
    const after = JSON.parse(of.read('secrets.json'));
    expect(after).toMatchObject({
      OLD_RELAY_KEY: before.RELAY_KEY,
      OLD_KEY_UNTIL: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    });
    expect(after.RELAY_KEY).not.toBe(before.RELAY_KEY);
    expect(of.calls.at(-1)?.secrets).toEqual(after);
    expect(linkIn(rotating.stdout)).not.toBe(link);
    expect(await checked(link)).toBeNull();
    // A relay keeps one old key, and a second rotation would end the first one's links.
    expect(await of.run('rotate', '--yes')).toMatchObject({ status: 2, stderr: expect.stringContaining('--now') });
    expect(JSON.parse(of.read('secrets.json'))).toEqual(after);
  });

  async function checked(link: string): Promise<string | null> {
    const { check } = await import('../../client/node/index.ts');
    const { relays } = await check(link, { backend: backend.address });
    return relays[0]?.ok ? null : (relays[0]?.code ?? 'none');
  }

  const deployed = {
    name: 'olive-harbor',
    claimed: true,
    address: 'https://olive-harbor.example.workers.dev/',
    vars: { ACCESS: 'invite', BACKENDS: 'whatsapp', HUB_REGION: '' },
    invites: [
      { id: 'AAAAAAAA', for: 'ana', expires: '2020-01-01T00:00:00.000Z' },
      { id: 'BBBBBBBB', for: 'ana', expires: '2999-01-01T00:00:00.000Z' },
      { id: 'CCCCCCCC', for: 'babak', expires: '2999-01-01T00:00:00.000Z' },
    ],
    revoked: ['AAAAAAAA'],
  };

  function deployedVolunteer(changed: object = {}): Volunteer {
    const of = volunteer({ targets: [], deployFails: { message: 'no' } });
    of.write('settings.json', { ...deployed, ...changed });
    of.write('secrets.json', { RELAY_KEY: `${'puente'.repeat(7)}A` });
    return of;
  }

  it('gives the volunteer an invite of their own, the same until it is taken back', async () => {
    const of = deployedVolunteer();
    of.account({ targets: [] });
    const idIn = ({ stdout }: { stdout: string }) =>
      toBase64url(decodeInvite(parseLink(linkIn(stdout)).invite as Bytes)?.id as Bytes);
    const id = idIn(await of.run('deploy', '--dry-run'));
    expect(JSON.parse(of.read('settings.json')).invites).toEqual([
      ...deployed.invites,
      { id, for: 'me', expires: expect.any(String) },
    ]);
    expect(idIn(await of.run('deploy', '--dry-run'))).toBe(id);
    const revoking = of.start('revoke', 'me');
    revoking.endInput('no\n');
    await revoking.end();
    expect(idIn(await of.run('deploy', '--dry-run'))).not.toBe(id);
  });

  it('lists what is taken back until it would have ended by itself', async () => {
    const of = deployedVolunteer();
    await of.run('revoke', 'ana', '--yes');
    expect(JSON.parse(of.read('settings.json'))).toMatchObject({
      revoked: ['BBBBBBBB'],
      invites: deployed.invites.slice(1),
    });
    await of.run('revoke', 'DDDDDDDD', '--yes');
    expect(of.calls.at(-1)?.args).toContain('REVOKED:BBBBBBBB DDDDDDDD');
  });

  it('leaves the deploy for later when asked to', async () => {
    const of = deployedVolunteer();
    const command = of.start('revoke', 'babak');
    command.endInput('no\n');
    expect(await command.end()).toBe(0);
    expect(command.stdout).toContain('until you run: npm run deploy');
    expect(JSON.parse(of.read('settings.json')).revoked).toContain('CCCCCCCC');
    expect(of.calls).toEqual([]);
  });

  it('ends the old key at once with --now', async () => {
    const of = deployedVolunteer();
    await of.run('rotate', '--now', '--yes');
    const { OLD_KEY_UNTIL } = JSON.parse(of.read('secrets.json'));
    expect(OLD_KEY_UNTIL < new Date().toISOString().slice(0, 10)).toBe(true);
  });

  it.each<[string[], object, RegExp]>([
    [['deploy', '--name', 'other-name'], {}, /deployed as "olive-harbor"/],
    [['revoke', 'carla'], {}, /no invite for "carla".*BBBBBBBB {2}until 2999-01-01 {2}ana/s],
    [['revoke'], {}, /whose.*babak/s],
    [['rotate', '--until', '2020-01-01'], {}, /--until: "2020-01-01"/],
    [['rotate', '--until', '2999-01-01', '--now'], {}, /either/],
    [['invite'], {}, /--for ana/],
    [['invite', 'relay.example.org', '--for', 'ana'], {}, /leave the host out/],
    [['invite', '--for', 'ana'], { vars: { ACCESS: 'open' } }, /relay is open/],
    [['invite', '--for', 'ana'], { address: undefined }, /Deploy it first/],
  ])('refuses %j with 2, and changes nothing', async (args, changed, says) => {
    const of = deployedVolunteer(changed);
    const before = [of.read('settings.json'), of.read('secrets.json')];
    const { status, stderr } = await of.run(...args);
    expect([status, stderr]).toEqual([2, expect.stringMatching(says)]);
    expect([of.read('settings.json'), of.read('secrets.json')]).toEqual(before);
  });

  it('need a relay', async () => {
    const of = volunteer();
    for (const command of ['revoke', 'rotate', 'status', 'doctor'])
      expect(await of.run(command)).toMatchObject({ status: 2, stderr: expect.stringContaining('npm run deploy') });
  });
});
