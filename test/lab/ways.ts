/** The ways from an app to a server that the lab compares: Puente's relay, and a plain TLS one, as people have today. */
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { nodeCipher } from '../../client/node/cipher.ts';
import { createConnection } from '../../client/node/index.ts';
import { toBase64url } from '../../protocol/bytes.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import type { Bundle } from '../../volunteer/relay/bundle.ts';
import type { Certificate } from '../support/fixtures/certificate.ts';
import { type ServeOptions, serve, type Workerd } from '../support/servers/workerd.ts';
import { startTlsRelay } from './tls-relay.ts';

export interface Way {
  relay: 'puente' | 'tls';
  /** Where its relay listens, with TLS. */
  port: number;
  /** Opens a stream to the server by way of a middlebox at `through`. */
  open(through: number): Duplex;
  close(): Promise<void>;
}

export interface PuenteWay extends Way {
  /** The one that serves now. */
  readonly worker: Workerd;
  /** That of its relay at another origin. */
  link(origin: string): string;
  /** Kills its relay, and starts it again at the same port, with the same key. */
  restart(): Promise<void>;
}

export async function puenteTo(
  port: number,
  bundle: Bundle,
  certificate: Certificate,
  options: ServeOptions = {},
): Promise<PuenteWay> {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const key = await nodeCipher.publicKey(secret);
  const vars = { RELAY_KEY: toBase64url(secret), BACKENDS: `any://127.0.0.1:${port}` };
  let worker = await serve(bundle, vars, certificate, options);
  return {
    relay: 'puente',
    port: worker.tlsPort,
    get worker() {
      return worker;
    },
    link: (origin) => formatLink({ url: origin, key }),
    open(through) {
      const relay = formatLink({ url: `https://localhost:${through}/`, key });
      return createConnection(`127.0.0.1:${port}`, { relay, allowHalfOpen: true });
    },
    async restart() {
      await worker.stop();
      worker = await serve(bundle, vars, certificate, { ...options, tlsPort: worker.tlsPort });
    },
    close: () => worker.stop(),
  };
}

export async function tlsTo(port: number, certificate: Certificate): Promise<Way> {
  const relay = await startTlsRelay(port, certificate);
  return {
    relay: 'tls',
    port: relay.port,
    open: (through) => tls.connect({ port: through, host: '127.0.0.1', servername: 'localhost' }),
    close: () => relay.close(),
  };
}
