/** What people have today: a relay that ends TLS and passes TCP on to one port. */
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import tls from 'node:tls';
import type { Certificate } from '../support/fixtures/certificate.ts';
import { listen } from '../support/network/listen.ts';
import { haproxyVersion, startHaproxy } from '../support/servers/haproxy.ts';

export interface TlsRelay {
  port: number;
  kind: 'haproxy' | 'node';
  close(): Promise<void>;
}

/** HAProxy where it is installed. */
export function startTlsRelay(
  backendPort: number,
  certificate: Certificate,
  kind: TlsRelay['kind'] = haproxyVersion() ? 'haproxy' : 'node',
): Promise<TlsRelay> {
  return kind === 'haproxy' ? withHaproxy(backendPort, certificate) : withNode(backendPort, certificate);
}

async function withHaproxy(backendPort: number, certificate: Certificate): Promise<TlsRelay> {
  const folder = mkdtempSync(join(tmpdir(), 'puente-lab-'));
  const haproxy = await startHaproxy([backendPort], certificate, folder);
  return {
    port: haproxy.ports[backendPort] as number,
    kind: 'haproxy',
    async close() {
      haproxy.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

async function withNode(backendPort: number, certificate: Certificate): Promise<TlsRelay> {
  const server = tls.createServer({ ...certificate, allowHalfOpen: true, noDelay: true }, (client) => {
    const onward = net.connect({ port: backendPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    // Its callback is for the error that has ended one of them, and then both.
    pipeline(client, onward, client, () => {});
  });
  return { kind: 'node', ...(await listen(server)) };
}
