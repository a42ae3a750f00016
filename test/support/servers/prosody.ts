/** A Prosody (XMPP server) on loopback, with direct TLS. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from '../fixtures/certificate.ts';
import { type Daemon, startDaemon } from './daemon.ts';

/**
 * Its port is of direct TLS: no STARTTLS, the connection begins with a ClientHello.
 * @param users passwords by name; they are users of `localhost`.
 */
export function startProsody(
  program: string,
  certificate: Certificate,
  users: Record<string, string>,
): Promise<Daemon> {
  return startDaemon(program, (folder, port) => {
    writeFileSync(join(folder, 'cert.pem'), certificate.cert);
    writeFileSync(join(folder, 'key.pem'), certificate.key, { mode: 0o600 });
    writeFileSync(join(folder, 'prosody.cfg.lua'), configuration(folder, port));
    const accounts = join(folder, 'data', 'localhost', 'accounts');
    mkdirSync(accounts, { recursive: true });
    for (const [name, password] of Object.entries(users))
      writeFileSync(join(accounts, `${name}.dat`), `return { ["password"] = ${JSON.stringify(password)} };\n`);
    return ['--config', join(folder, 'prosody.cfg.lua')];
  });
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
