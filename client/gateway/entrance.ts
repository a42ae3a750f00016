/** How a client comes in at a port of the gateway, up to the name of the backend that it wants. */
import type net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { PuenteError } from '../../protocol/errors.ts';
import { Beginning } from './beginning.ts';
import { HungUp } from './reading.ts';

/** What a client wants. */
export interface Request {
  /** Its bytes: the socket that was accepted, or what is inside of its TLS. */
  client: Duplex;
  /** `host:port`, or what should be one. */
  backend: string;
  /** Its first bytes, where they must not be a web page's. They are no longer in `client`. */
  beginning?: Beginning;
  /** Tells a client that waits for it what has come of that. One that does not wait may send at once. */
  answer?: {
    granted: string | Uint8Array;
    refused(error: PuenteError): string | Uint8Array;
  };
}

/**
 * Reads what a client says before its own bytes.
 * @throws Refusal, HungUp
 */
export type Entrance = (client: net.Socket) => Promise<Request>;

/** To one backend, without a word. What web pages can send is refused. */
export function to(backend: string): Entrance {
  return async (client) => ({ client, backend, beginning: new Beginning(client) });
}

/** The same for a backend that is spoken to in HTTP, say: whoever forwards to it has said so. */
export function toAnything(backend: string): Entrance {
  return async (client) => ({ client, backend });
}

/** As `to`, for clients that speak TLS to the gateway, and go on without it. */
export function secured(backend: string, credentials: tls.SecureContextOptions): Entrance {
  const secureContext = tls.createSecureContext(credentials);
  return async (socket) => {
    const client = new tls.TLSSocket(socket, { isServer: true, secureContext });
    await new Promise<void>((resolve, reject) => {
      client.once('secure', resolve);
      client.on('error', reject);
      client.once('close', () => reject(new HungUp()));
    });
    return { client, backend, beginning: new Beginning(client) };
  };
}
