/** The ways from an app to a server that the lab compares: Puente's relay, and a plain TLS one, as people have today. */
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { nodeCipher } from '../../client/node/cipher.ts';
import { createConnection, type PuenteSocket } from '../../client/node/index.ts';
import type { Certificate } from '../../examples/local/certificate.ts';
import { toBase64url } from '../../protocol/bytes.ts';
import { formatLink } from '../../protocol/link.ts';
import { type Bundle, serve } from '../support/workerd.ts';
import { startTlsRelay } from './tls-relay.ts';

export interface Way {
  relay: 'puente' | 'tls';
  /** Where its relay listens, with TLS. */
  port: number;
  /** Opens a stream to the server by way of a middlebox at `through`. */
  open(through: number): Duplex;
  /** Longest time in milliseconds that a stream was without a carrier that worked. */
  readonly recoverMs: number;
  close(): Promise<void>;
}

export async function puenteTo(port: number, bundle: Bundle, certificate: Certificate): Promise<Way> {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const key = await nodeCipher.publicKey(secret);
  const worker = await serve(bundle, { RELAY_KEY: toBase64url(secret), BACKENDS: `127.0.0.1:${port}` }, certificate);
  const way = {
    relay: 'puente' as const,
    port: worker.tlsPort,
    recoverMs: 0,
    open(through: number) {
      const relay = formatLink({ origin: `https://localhost:${through}/`, key });
      const socket = createConnection(`127.0.0.1:${port}`, { relay, allowHalfOpen: true });
      watch(socket);
      return socket;
    },
    close: () => worker.stop(),
  };
  const watch = (socket: PuenteSocket) => {
    let since = 0;
    socket.on('reconnecting', () => {
      since = performance.now();
    });
    socket.on('resumed', () => {
      way.recoverMs = Math.max(way.recoverMs, performance.now() - since);
    });
  };
  return way;
}

export async function tlsTo(port: number, certificate: Certificate): Promise<Way> {
  const relay = await startTlsRelay(port, certificate);
  return {
    relay: 'tls',
    port: relay.port,
    recoverMs: 0,
    open: (through) => tls.connect({ port: through, host: '127.0.0.1', servername: 'localhost' }),
    close: () => relay.close(),
  };
}
