/** Plain `workerd serve` with the bundle that `wrangler deploy` would upload: the dev servers' entry ports compress. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundle } from '../../../volunteer/relay/bundle.ts';
import { CERTIFICATE, PRIVATE_KEY, SCRIPT, workerdConfig } from '../../../volunteer/selfhost/workerd-config.ts';
import type { Certificate } from '../fixtures/certificate.ts';

export { workerdVersion } from '../../../volunteer/selfhost/selfhost-folder.ts';

const require = createRequire(import.meta.url);

const CONFIG = 'workerd.capnp';

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
  const sockets = [
    { name: 'http', address: '127.0.0.1:0', tls: false },
    { name: 'https', address: `127.0.0.1:${tlsPort}`, tls: true },
  ];
  const allow = ['public', 'private'];
  writeFileSync(join(folder, SCRIPT), bundle.script);
  writeFileSync(join(folder, CERTIFICATE), certificate.cert);
  writeFileSync(join(folder, PRIVATE_KEY), certificate.key);
  writeFileSync(join(folder, CONFIG), workerdConfig({ bundle, vars, storage: objects, allow, sockets }));
  // Fd 3 tells the ports. Standard error is passed on: a broken Worker must not go unnoticed.
  const inspector = inspected ? ['--inspector-addr=127.0.0.1:0'] : [];
  const files = [`--import-path=${folder}`, join(folder, CONFIG)];
  const child = spawn(workerdBinary(), ['serve', '--control-fd=3', ...inspector, ...files], {
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

export function workerdBinary(): string {
  return (require('workerd') as { default: string }).default;
}

/** The ports of its sockets, by name. */
export async function listening(child: ChildProcess, sockets: string[]): Promise<Record<string, number>> {
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
