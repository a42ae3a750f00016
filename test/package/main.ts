/** `npm run package`: packs the package, installs it in a new project, and uses it there. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { ROOT } from '../support/command.ts';
import { echo, startBackend } from '../support/servers/backend.ts';
import { startRelay } from '../support/servers/harness-relay.ts';
import { buildPage } from './pages.ts';
import { type Packed, Project } from './project.ts';
import { run } from './run.ts';

const VERSIONS = [20, 22, 24];

const HELP = `npm run package

Packs the package, installs it in a new project, and uses it there as a stranger would: in Node ${VERSIONS.join(', ')}, over a relay on this
machine; from TypeScript; in pages that Vite builds. A version of Node that is not at hand comes from npm's registry, and goes with
the project.

  -h, --help  this text

Exit code 0 when all of that works, 1 when something does not, 2 for a wrong option.
`;

function note(text: string): void {
  process.stdout.write(`✓ ${text}\n`);
}

async function checkContents(project: Project, packed: Packed): Promise<void> {
  const strangers = packed.files.filter(
    ({ path }) => !/^(dist\/(?!page\/).*\.(js|d\.ts)|[A-Z]+(\.md)?|package\.json)$/.test(path),
  );
  assert.deepEqual(strangers, [], 'the package has files that it should not have');
  note(`npm pack: ${packed.filename}, ${packed.files.length} files, ${packed.size} bytes`);

  const installed = await project.install(packed);
  assert.deepEqual(installed, ['@noble/ciphers', '@noble/curves', '@noble/hashes', 'puente', 'ws']);
  note(`npm install: ${installed.join(', ')}`);

  const { messages, pkg } = await publint({ pkgDir: join(project.folder, 'node_modules/puente'), strict: true });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg)),
    [],
    'publint has something to say',
  );
  note('publint: nothing to say');
}

/** The browser's part alone without the types of Node; each with the rules that apps resolve modules by. */
async function checkTypes({ folder }: Project): Promise<void> {
  const options = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2022', '--lib', 'es2022,dom'];
  const ofNode = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
  const ofBrowsers = ['--types', ''];
  for (const rules of [
    ['--module', 'nodenext'],
    ['--module', 'esnext', '--moduleResolution', 'bundler'],
  ]) {
    for (const [file, types] of [
      ['page.ts', ofBrowsers],
      ['node.ts', ofNode],
    ] as const)
      await run(join(ROOT, 'node_modules/.bin/tsc'), [...options, ...rules, ...types, file], { cwd: folder });
    note(`types: ${rules.at(-1)}, without skipLibCheck`);
  }
}

async function checkPages({ folder }: Project): Promise<void> {
  const error = await buildPage(folder, 'error.html');
  assert(error.size < 1536, `a page that has the errors alone is ${error.size} bytes`);
  note(`Vite: a page that has the errors alone, ${error.size} bytes`);
  const socket = await buildPage(folder, 'connect.html');
  assert.doesNotMatch(socket.code, /node:|\bBuffer\b|perMessageDeflate/, 'a page has what only Node needs');
  // That its files are all there: this stands in a hello's handshake.
  assert.match(socket.code, /Noise_NK_25519_AESGCM_SHA256/);
  note(`Vite: a page that has a socket, ${socket.size} bytes with noble, nothing of Node`);
}

async function checkNode(project: Project, major: number, args: string[]): Promise<void> {
  const node = await project.node(major);
  const use = (...command: string[]) => run(node, command, { cwd: project.folder });
  const ways = await use('echo.mjs', ...args);
  const required = await use('require.cjs', ...args);
  const puente = 'node_modules/.bin/puente';
  const version = await use(puente, '--version');
  const { link } = JSON.parse(await use(puente, 'key', 'relay.example.org', '--json')) as { link: string };
  assert.match(link, /^https:\/\/relay\.example\.org\/#p/);
  note(`Node ${await use('--version')}: ${ways.replaceAll('\n', ', ')}, ${required}, puente ${version}`);
}

async function main(): Promise<void> {
  const project = new Project();
  // However it ends.
  process.on('exit', () => rmSync(project.folder, { recursive: true }));
  // Which takes the network longer than all the rest takes the machine.
  const [packed] = await Promise.all([project.pack(), ...VERSIONS.map((major) => project.node(major))]);
  await checkContents(project, packed);
  await checkTypes(project);
  await checkPages(project);
  assert.equal(await run('npx', ['puente', '--version'], { cwd: project.folder }), packed.version);
  note('npx puente');
  const backend = await startBackend(echo);
  const relay = await startRelay({ BACKENDS: backend.entry });
  try {
    for (const major of VERSIONS) await checkNode(project, major, [relay.link, backend.address]);
  } finally {
    await relay.close();
    await backend.close();
  }
}

function options(): void {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
  if (!values.help) return;
  process.stdout.write(HELP);
  process.exit(0);
}

try {
  options();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(2);
}
main().catch((error: unknown) => {
  process.stderr.write(`✗ ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});
