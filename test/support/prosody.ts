/** A Prosody (XMPP server) on loopback, with direct TLS and its own folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from '../../examples/local/certificate.ts';
import { until } from './until.ts';

export interface Prosody {
  /** Of direct TLS: no STARTTLS, the connection begins with a ClientHello. */
  port: number;
  close(): Promise<void>;
}

/** @param users passwords by name; they are users of `localhost`. */
export async function startProsody(
  program: string,
  certificate: Certificate,
  users: Record<string, string>,
): Promise<Prosody> {
  const folder = mkdtempSync(join(tmpdir(), 'puente-prosody-'));
  const port = await freePort();
  writeFileSync(join(folder, 'cert.pem'), certificate.cert);
  writeFileSync(join(folder, 'key.pem'), certificate.key, { mode: 0o600 });
  writeFileSync(join(folder, 'prosody.cfg.lua'), configuration(folder, port));
  const accounts = join(folder, 'data', 'localhost', 'accounts');
  mkdirSync(accounts, { recursive: true });
  for (const [name, password] of Object.entries(users))
    writeFileSync(join(accounts, `${name}.dat`), `return { ["password"] = ${JSON.stringify(password)} };\n`);

  const prosody = spawn(program, ['--config', join(folder, 'prosody.cfg.lua')], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(prosody, 'exit');
  let output = '';
  for (const stream of [prosody.stdout, prosody.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const close = async (): Promise<void> => {
    prosody.kill();
    await exited;
    rmSync(folder, { recursive: true });
  };
  try {
    await until('Prosody listens', () => {
      if (prosody.exitCode !== null) throw new Error('Prosody has ended');
      return accepts(port);
    });
  } catch (error) {
    await close();
    throw new Error(`Prosody did not start. It said:\n${output}`, { cause: error });
  }
  return { port, close };
}

function configuration(folder: string, port: number): string {
  return `
run_as_root = ${process.getuid?.() === 0}
daemonize = false
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
log = "*console"

interfaces = { "127.0.0.1" }
c2s_ports = {}
s2s_ports = {}
http_ports = {}
https_ports = {}
c2s_direct_tls_ports = { ${port} }
c2s_direct_tls_ssl = { certificate = "${folder}/cert.pem", key = "${folder}/key.pem" }

modules_enabled = { "roster", "saslauth", "tls" }
modules_disabled = { "s2s" }
authentication = "internal_plain"
storage = "internal"
VirtualHost "localhost"
  ssl = { certificate = "${folder}/cert.pem", key = "${folder}/key.pem" }
`;
}

/** Prosody does not tell a port that it has chosen itself. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
