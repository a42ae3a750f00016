/** Plain `workerd serve` with the bundle that `wrangler deploy` would upload: the dev servers' entry ports compress. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unstable_readConfig as readConfig } from 'wrangler';
import type { Certificate } from '../../examples/local/certificate.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);

export interface Bundle {
  /** The Worker's only module. */
  script: string;
  /** Class names of its Durable Objects, by the names of their bindings. */
  objects: Record<string, string>;
  compatibilityDate: string;
  compatibilityFlags: string[];
}

/** @param configPath of a wrangler.toml, from the repository's root. */
export function bundle(configPath: string): Bundle {
  const folder = mkdtempSync(join(tmpdir(), 'puente-workerd-'));
  try {
    const args = ['wrangler', 'deploy', '--dry-run', '--config', configPath, '--outdir', folder];
    const { status, stderr } = spawnSync('npx', args, { cwd: ROOT, encoding: 'utf8' });
    if (status !== 0) throw new Error(`wrangler deploy --dry-run failed:\n${stderr}`);
    const {
      main = '',
      compatibility_date: date = '',
      compatibility_flags: flags,
      durable_objects: { bindings },
    } = readConfig({
      config: join(ROOT, configPath),
    });
    const module = main.replace(/^.*\//, '').replace(/\.ts$/, '.js');
    const script = readFileSync(join(folder, module), 'utf8');
    const objects = Object.fromEntries(
      bindings.map((object: { name: string; class_name: string }) => [object.name, object.class_name]),
    );
    return { script, objects, compatibilityDate: date, compatibilityFlags: flags };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface Workerd {
  pid: number;
  port: number;
  /** Speaks TLS. */
  tlsPort: number;
  inspectorPort: number | undefined;
  /** What it has printed, where that is kept. */
  output(): string;
  /** The files of its Durable Objects' storage. */
  stored(): Buffer[];
  stop(): Promise<void>;
}

export interface ServeOptions {
  /** That of a relay whose place it takes; otherwise any. */
  tlsPort?: number;
  /** Lets V8's inspector ask the isolate. */
  inspected?: boolean;
  /** Keeps what it prints instead of passing it on. */
  kept?: boolean;
}

export async function serve(
  bundle: Bundle,
  vars: Record<string, string>,
  certificate: Certificate,
  { tlsPort = 0, inspected = false, kept = false }: ServeOptions = {},
): Promise<Workerd> {
  const folder = mkdtempSync(join(tmpdir(), 'puente-workerd-'));
  const objects = join(folder, 'objects');
  mkdirSync(objects);
  writeFileSync(join(folder, 'worker.js'), bundle.script);
  writeFileSync(join(folder, 'workerd.capnp'), configuration(bundle, vars, certificate, objects, tlsPort));
  // Fd 3 tells the ports. Standard error is passed on: a broken Worker must not go unnoticed.
  const inspector = inspected ? ['--inspector-addr=127.0.0.1:0'] : [];
  const child = spawn(binary(), ['serve', '--control-fd=3', ...inspector, join(folder, 'workerd.capnp')], {
    stdio: ['ignore', kept ? 'pipe' : 'ignore', kept ? 'pipe' : 'inherit', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const ports = await listening(child, ['http', 'https', ...(inspected ? ['inspector'] : [])]);
  return {
    pid: child.pid as number,
    port: ports.http as number,
    tlsPort: ports.https as number,
    inspectorPort: ports.inspector,
    output: () => output,
    stored: () => filesIn(objects).map((file) => readFileSync(file)),
    async stop() {
      child.kill('SIGKILL');
      // After the last output, unlike 'exit'.
      await once(child, 'close');
      rmSync(folder, { recursive: true });
    },
  };
}

function filesIn(folder: string): string[] {
  const paths = readdirSync(folder, { encoding: 'utf8', recursive: true }).map((name) => join(folder, name));
  return paths.filter((path) => statSync(path).isFile());
}

function binary(): string {
  return (require('workerd') as { default: string }).default;
}

export function workerdVersion(): string {
  return (require('workerd') as { version: string }).version;
}

function configuration(
  bundle: Bundle,
  vars: Record<string, string>,
  { key, cert }: Certificate,
  objects: string,
  tlsPort: number,
): string {
  const text = JSON.stringify;
  const bindings = [
    ...Object.entries(vars).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...Object.entries(bundle.objects).map(
      ([name, className]) => `(name = ${text(name)}, durableObjectNamespace = ${text(className)})`,
    ),
  ];
  const namespaces = Object.values(bundle.objects).map(
    (className) => `(className = ${text(className)}, uniqueKey = ${text(className)}, enableSql = true)`,
  );
  return `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = ${text(bundle.compatibilityDate)},
      compatibilityFlags = [${bundle.compatibilityFlags.map((flag) => text(flag)).join(', ')}],
      bindings = [${bindings.join(', ')}],
      durableObjectNamespaces = [${namespaces.join(', ')}],
      durableObjectStorage = (localDisk = "objects"),
    )),
    (name = "objects", disk = (path = ${text(objects)}, writable = true)),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:0", http = (), service = "main"),
    (name = "https", address = "127.0.0.1:${tlsPort}", service = "main", https = (options = (), tlsOptions = (
      keypair = (privateKey = ${text(key)}, certificateChain = ${text(cert)})))),
  ],
);`;
}

/** The ports of its sockets, by name. */
async function listening(child: ChildProcess, sockets: string[]): Promise<Record<string, number>> {
  const control = child.stdio[3] as NodeJS.ReadableStream;
  const ports: Record<string, number> = {};
  let text = '';
  for await (const chunk of control) {
    text += String(chunk);
    for (const line of text.split('\n').slice(0, -1)) {
      const { event, socket, port } = JSON.parse(line) as { event: string; socket?: string; port: number };
      if (event === 'listen' && socket) ports[socket] = port;
      if (event === 'listen-inspector') ports.inspector = port;
    }
    if (sockets.every((socket) => ports[socket])) return ports;
  }
  throw new Error('workerd did not start.');
}
