/** What a volunteer and a contributor run from a clone. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { unstable_readConfig as readConfig } from 'wrangler';
import { nodeCipher } from '../../client/node/cipher.ts';
import { type Bytes, fromBase64url, toBase64url } from '../../protocol/bytes.ts';
import { CHECKS_PER_MINUTE } from '../../protocol/limits.ts';
import { inviteKeyOf, openInvite } from '../../protocol/permits/invite.ts';
import { parseLink } from '../../protocol/permits/link.ts';
import { checkName, randomName, tellingPart } from '../../volunteer/relay/names.ts';
import { WORDS } from '../../volunteer/relay/words.ts';
import { ROOT, run } from '../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'puente-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('wrangler deploy', () => {
  it('takes the repository as it stands, and bundles nothing of Node, noble or the client', () => {
    const { status, stdout, stderr } = run('npx', ['wrangler', 'deploy', '--dry-run', '--outdir', folder]);
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).toContain('env.BACKENDS ("whatsapp")');
    const bundle = readFileSync(join(folder, 'index.js'), 'utf8');
    expect(bundle).toContain('cloudflare:sockets');
    // Above each module esbuild says which it is. The page's scripts, which have noble, are texts of one of them.
    const modules = bundle.match(/^\/\/ \S+\.(?:[cm]?js|tsx?)$/gm) ?? [];
    expect(modules).toEqual(expect.arrayContaining(['// worker/index.ts', '// dist/page/files.js']));
    expect(modules.filter((module) => /@noble|\/\/ client\//.test(module))).toEqual([]);
    expect(bundle).not.toMatch(/^import .* from "node:/m);
  });
});

describe('wrangler.toml', () => {
  interface RateLimit {
    name: string;
    namespace_id: string;
    simple: { limit: number; period: number };
  }
  const { observability, ratelimits } = readConfig({ config: join(ROOT, 'wrangler.toml') });

  it('limits checks as the specification says, and each thing under a number of its own', () => {
    const checks = ratelimits.find(({ name }: RateLimit) => name === 'CHECKS');
    expect(checks?.simple).toEqual({ limit: CHECKS_PER_MINUTE, period: 60 });
    expect(new Set(ratelimits.map(({ namespace_id: id }: RateLimit) => id)).size).toBe(3);
  });

  it('has logs turned off', () => {
    expect(observability).toEqual({ enabled: false });
  });
});

describe('the "Deploy to Cloudflare" button', () => {
  const settings = readConfig({ config: join(ROOT, 'wrangler.toml') });
  const ofWrangler = [
    ...Object.keys(settings.vars),
    ...settings.durable_objects.bindings.map(({ name }: { name: string }) => name),
    ...settings.ratelimits.map(({ name }: { name: string }) => name),
  ];

  it('has a description for everything that wrangler.toml binds, and for the key', () => {
    const { cloudflare } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      cloudflare: { bindings: Record<string, { description: string }> };
    };
    expect(Object.keys(cloudflare.bindings).sort()).toEqual([...ofWrangler, 'RELAY_KEY'].sort());
    const env = readFileSync(join(ROOT, 'worker/env.ts'), 'utf8');
    for (const [name, { description }] of Object.entries(cloudflare.bindings)) {
      expect(env, name).toContain(`  ${name}?: `);
      expect(description.length, name).toBeGreaterThan(20);
    }
  });

  it('offers nobody a key that everybody would have', () => {
    const example = readFileSync(join(ROOT, '.dev.vars.example'), 'utf8');
    expect(example).toContain('RELAY_KEY');
    expect(example.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))).toEqual([]);
  });

  it('needs nothing but the repository: no route, account or id of anybody’s', () => {
    expect([settings.account_id, settings.routes, settings.route, settings.secrets]).toEqual(Array(4).fill(undefined));
    expect(existsSync(settings.main ?? '')).toBe(true);
  });
});

describe('random names', () => {
  it('are two different words, of which there are many, that say nothing', () => {
    expect(new Set(WORDS).size).toBe(WORDS.length);
    expect(WORDS.length).toBeGreaterThan(400);
    expect(WORDS.filter((word) => !/^[a-z]{3,10}$/.test(word) || tellingPart(word))).toEqual([]);
    const names = Array.from({ length: 100 }, randomName);
    for (const name of names) {
      checkName(name);
      const [first, second, ...more] = name.split('-');
      expect([first === second, more]).toEqual([false, []]);
    }
    // One of some 170,000 pairs may come twice by chance, but not often.
    expect(new Set(names).size).toBeGreaterThan(96);
  });
});

describe('npm run key', () => {
  // As the script says, which npm takes half a second to read.
  const key = (...args: string[]) => run(process.execPath, ['client/cli/main.ts', 'key', ...args]);

  it('makes a key whose public half is in the link', async () => {
    const { stdout } = run('npm', ['run', '--silent', 'key', '--', 'relay.example.org', '--json']);
    const made = JSON.parse(stdout) as { key: string; link: string };
    const secret = fromBase64url(made.key);
    if (secret?.length !== 32) throw new Error('not a key');
    expect(parseLink(made.link)).toEqual({
      url: 'https://relay.example.org/',
      key: await nodeCipher.publicKey(secret),
    });
  });

  it('says how to put it, and makes another each time', () => {
    const [first, second] = [key().stdout, key().stdout];
    expect(first).toContain('npx wrangler secret put RELAY_KEY');
    expect(first).toContain('https://your-relay.workers.dev/#p');
    expect(first).not.toBe(second);
  });

  it('explains itself, and refuses what is no host', () => {
    expect(key('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--json') });
    const { status, stdout, stderr } = key('http://relay.example.org');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('https://');
  });
});

describe('npm run invite', () => {
  const secret = new Uint8Array(32).fill(7);
  const input = `${toBase64url(secret)}\n`;
  const invite = (...args: string[]) => run(process.execPath, ['client/cli/main.ts', 'invite', ...args], input);

  it('signs an invite that the relay takes, and puts it into the link', async () => {
    const args = ['relay.example.org', '--expires', '2d', '--sessions', '3', '--backends', 'chat.example.org:5223'];
    const { stdout } = run('npm', ['run', '--silent', 'invite', '--', ...args, '--json'], input);
    const made = JSON.parse(stdout) as { id: string; link: string; expires: string };
    const { key, invite: signed } = parseLink(made.link);
    expect(key).toEqual(await nodeCipher.publicKey(secret));
    const opened = await openInvite(nodeCipher, await inviteKeyOf(nodeCipher, secret), signed as Bytes);
    expect(opened).toMatchObject({ id: fromBase64url(made.id), sessions: 3, backends: 'chat.example.org:5223' });
    const days = ((opened?.expires ?? 0) - Date.now()) / (24 * 60 * 60_000);
    expect(days).toBeGreaterThan(1.99);
    expect(days).toBeLessThanOrEqual(2);
  });

  it.each([
    [[], 64],
    [['--sessions', '0'], 0],
    [['--sessions', 'any'], 0],
    [['--sessions', '65535'], 65_535],
  ])('lets so many sessions be open for %j: %i, where 0 is any number', async (args, sessions) => {
    const { link } = JSON.parse(invite('relay.example.org', '--json', ...args).stdout) as { link: string };
    const opened = await openInvite(nodeCipher, await inviteKeyOf(nodeCipher, secret), parseLink(link).invite as Bytes);
    expect(opened?.sessions).toBe(sessions);
  });

  it('prints the id that takes it back, and another each time', () => {
    const [first, second] = [invite('relay.example.org').stdout, invite('relay.example.org').stdout];
    expect(first).toMatch(/^Invite [\w-]{8}, good until .*https:\/\/relay\.example\.org\/#p[a-z\d]{59,}\n/s);
    expect(first).not.toBe(second);
    expect(first).not.toContain(toBase64url(secret));
  });

  it.each([
    [[], /host/],
    [['relay.example.org', '--expires', 'soon'], /--expires: "soon"/],
    [['relay.example.org', '--expires', '2020-01-01'], /--expires/],
    [['relay.example.org', '--sessions', '65536'], /--sessions: "65536"/],
    [['relay.example.org', '--sessions', 'many'], /--sessions: "many".*"any"/],
    [['relay.example.org', '--backends', 'x'.repeat(226)], /--backends/],
  ])('refuses %j with 2 and says why', (args, why) => {
    const { status, stdout, stderr } = invite(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(why);
  });
});

describe('the command', () => {
  const puente = (...args: string[]) => run(process.execPath, ['client/cli/main.ts', ...args]);

  it('explains itself and its commands', () => {
    expect(puente('--help')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/ key .* invite /s),
    });
    for (const name of ['key', 'invite']) {
      const { status, stdout } = puente(name, '--help');
      expect([status, stdout.split(/ (?:\[|--for)/)[0]]).toEqual([0, `puente ${name}`]);
    }
  });

  it.each(['deploy', 'selfhost', 'revoke', 'rotate', 'status', 'doctor'])(
    'has %s where the relay’s source is',
    (name) => {
      const { status, stdout } = puente(name, '--help');
      expect([status, stdout.split(' ').slice(0, 4)]).toEqual([0, ['npm', 'run', name, '--']]);
      const elsewhere = spawnSync(process.execPath, [join(ROOT, 'client/cli/main.ts'), name], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect([elsewhere.status, elsewhere.stderr]).toEqual([2, expect.stringContaining(`npm run ${name}`)]);
    },
  );

  it('calls its commands as the person did', () => {
    expect(run('npm', ['run', '--silent', 'key', '--', '--help']).stdout).toMatch(/^npm run key -- \[HOST\]\n/);
    expect(run('npm', ['run', '--silent', 'invite']).stderr).toContain('npm run invite -- my-site');
  });

  it.each([[[]], [['toString']], [['nope', '--help']]])('refuses %j with 2 and says what there is', (args) => {
    const { status, stdout, stderr } = puente(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/ key .* invite /s);
  });
});

describe('the lint', () => {
  const imports = (module: string) => `import '${module}';\n`;
  const AT = 'export const at = Date.now();\n';

  /** For every room what it must not import. */
  const WALLS: Record<string, string[]> = {
    protocol: ['../client/index.ts', 'node:crypto', 'cloudflare:sockets', './session/session.ts'],
    'protocol/session': ['../../worker/env.ts', 'node:crypto', '../carrier/noise.ts', '../permits/link.ts'],
    'protocol/carrier': ['../../client/random.ts', 'ws', '../permits/invite.ts'],
    'protocol/permits': ['../../client/random.ts', 'node:crypto'],
    worker: ['../client/index.ts', 'node:fs', '@noble/hashes/sha2.js', '../volunteer/main.ts'],
    'worker/admission': ['../../client/random.ts', 'node:net', '../session/hub.ts', '../strangers/decoy.ts'],
    'worker/session': ['../../client/tunnel.ts', 'ws', '../strangers/site.tsx'],
    'worker/counters': ['../../client/clock.ts', '../strangers/site.tsx'],
    'worker/strangers': ['../../client/random.ts', '../session/pipe.ts'],
    'worker/strangers/pages': ['../../../client/page/check.ts', '../../session/hubs.ts'],
    'worker/strangers/pages/words': ['../../../../client/check/next-steps.ts'],
    client: ['../worker/index.ts', './node/index.ts', 'ws', './adapters/agent.ts'],
    'client/relays': ['../../worker/env.ts', '../node/dial.ts', '../tunnel.ts', '../carriers/carriers.ts'],
    'client/carriers': ['../../worker/env.ts', 'node:net', '../tunnel.ts', '../web/dial.ts'],
    'client/check': ['../../worker/env.ts', '../cli/check.ts', '../web/dial.ts'],
    'client/web': ['../../worker/env.ts', 'ws', '../check/check.ts'],
    'client/page': ['../../worker/index.ts', '../node/index.ts'],
    'client/node': ['../../worker/index.ts', '../adapters/agent.ts', '../web/dial.ts'],
    'client/node/dialer': ['../../../worker/env.ts', '../dial.ts', '../../carriers/path.ts', '../../tunnel.ts'],
    'client/adapters': ['../../worker/index.ts', '../gateway/gateway.ts', '../cli/serve.ts'],
    'client/gateway': ['../../worker/index.ts', '../adapters/agent.ts', '../cli/serve.ts'],
    'client/cli': ['../../volunteer/relay/names.ts', '../../worker/config.ts', '../adapters/agent.ts'],
    'volunteer/relay': ['../commands/deploy.ts', '../doctor/finding.ts'],
    'volunteer/doctor': ['../commands/doctor.ts', '../selfhost/host-files.ts'],
    'volunteer/selfhost': ['../commands/selfhost.ts'],
    'volunteer/terminal': ['../commands/deploy.ts'],
    'test/conformance': ['../../protocol/bytes.ts', '../support/until.ts'],
    'test/conformance/codec': ['../../../client/node/cipher.ts', '../../../worker/config.ts'],
    'examples/chat/net': ['../../../protocol/bytes.ts', '../../../test/support/until.ts'],
    'examples/chat/ui': ['../../../protocol/bytes.ts'],
    'examples/chat/server': ['../../../client/node/index.ts'],
  };

  /** Rooms that stand on all others of theirs. */
  const ROOFS = ['volunteer', 'volunteer/commands'];

  const SILENT = ['protocol/session', 'worker/session', 'worker/strangers/pages', 'client', 'client/carriers'].concat([
    ...['client/relays', 'client/check', 'client/web', 'client/page', 'client/node/dialer', 'client/adapters'],
  ]);

  const REFUSED: [folder: string, code: string][] = [
    ...Object.entries(WALLS).flatMap(([room, modules]) =>
      modules.map((module): [string, string] => [room, imports(module)]),
    ),
    ['protocol', AT],
    ['protocol/session', AT],
    ['protocol', "export const answer = fetch('/');\n"],
    ...SILENT.flatMap((part) =>
      ['log', 'error', 'debug'].map((method): [string, string] => [part, `console.${method}('x');\n`]),
    ),
  ];
  const ALLOWED: [folder: string, code: string][] = [
    ['worker', imports('../protocol/bytes.ts')],
    ['worker/session', imports('../admission/guard.ts')],
    ['client', imports('../protocol/bytes.ts')],
    ['client', AT],
    ['client/carriers', imports('../relays/resolve.ts')],
    ['client/check', imports('../socket.ts')],
    ['client/page', imports('../index.ts')],
    ['client/node', imports('ws')],
    ['client/adapters', imports('../node/index.ts')],
    ['client/cli', "console.log('x');\n"],
    ['protocol', imports('./bytes.ts')],
    ['protocol/carrier', imports('../session/frames.ts')],
    ['examples/chat/net', imports('puente')],
  ];

  /** The files with a fault, each of one line, under this repository's rules: one run for all. */
  function lint(files: [path: string, code: string][]): Set<string> {
    copyFileSync(join(ROOT, 'biome.json'), join(folder, 'biome.json'));
    for (const [path, code] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), code);
    }
    const args = ['--reporter=json', '--max-diagnostics=none', '--vcs-enabled=false', `--config-path=${folder}`];
    const { stdout } = run('npx', ['biome', 'lint', ...args, ...files.map(([path]) => join(folder, path))]);
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { location: { path: string | { file: string } } }[] };
    const paths = diagnostics.map(({ location: { path } }) => (typeof path === 'string' ? path : path.file));
    return new Set(paths.map((path) => relative(folder, resolve(ROOT, path))));
  }

  it('keeps each part from importing what it must not, output from production, clock and network from protocol', () => {
    const named = (files: [string, string][], name: string) =>
      files.map(([part, code], at): [string, string] => [`${part}/${name}-${at}.ts`, code]);
    const refused = named(REFUSED, 'refused');
    const found = lint([...refused, ...named(ALLOWED, 'allowed')]);
    expect([...found].sort()).toEqual(refused.map(([path]) => path).sort());
  });

  it('has walls for every room', () => {
    const { stdout } = run('git', ['ls-files', 'protocol', 'worker', 'client', 'volunteer']);
    const rooms = new Set(
      stdout
        .split('\n')
        .filter((path) => /\.tsx?$/.test(path))
        .map((path) => dirname(path)),
    );
    expect([...rooms].filter((room) => !ROOFS.includes(room) && !(room in WALLS))).toEqual([]);
  });

  it('refuses a circle, of types alone too', () => {
    const circle = ['one', 'other'].map((name) => join('circle', `${name}.ts`));
    const [one, other] = ['other', 'one'].map((name) => `import type { T } from './${name}.ts';\nexport type { T };\n`);
    const found = lint([
      [circle[0] as string, one as string],
      [circle[1] as string, other as string],
    ]);
    expect([...found].sort()).toEqual(circle);
  });
});

describe('the documents', () => {
  it('name tests that are there', () => {
    const text = readFileSync(join(ROOT, 'docs/security.md'), 'utf8');
    // `test/e2e/resume.test.ts`, `kills.test.ts`: a bare name is in the folder of the one before it.
    let within = '';
    const named = Array.from(text.matchAll(/`(test\/\w+\/)?([\w-]+\.test\.ts)`/g), ([, path = within, name = '']) => {
      within = path;
      return path + name;
    });
    expect(named.length).toBeGreaterThan(12);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('say which test to run for what was changed, by names that are there', () => {
    const rows = readFileSync(join(ROOT, 'test/README.md'), 'utf8').matchAll(
      /^\| .* \| (.*test\/.*) \| (?:`(.*)`)? ?\|$/gm,
    );
    const named = Array.from(rows, ([, files = '', name]) => ({
      name,
      files: files.match(/test\/[\w/.-]+\.test\.ts/g) ?? [],
    }));
    expect(named.length).toBeGreaterThan(30);
    for (const { name, files } of named) {
      expect(files.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
      if (name) expect(readFileSync(join(ROOT, files[0] ?? ''), 'utf8'), name).toContain(name);
    }
  });
});

describe('the packages', () => {
  it('that are used have exact versions, and few of them are shipped', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<
      string,
      Record<string, string>
    >;
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    expect(Object.keys(dependencies ?? {})).toEqual(['@noble/ciphers', '@noble/curves', '@noble/hashes', 'ws']);
  });
});
