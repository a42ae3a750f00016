/** How a client comes in at a port of the gateway, up to the name of the backend that the client wants. */
import type net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { PuenteError } from '../../protocol/errors.ts';
import { Beginning } from './beginning.ts';
import { HungUp } from './reading.ts';

/** A client's request. */
export interface Request {
  /** The client's bytes: the accepted socket, or the content of the client's TLS. */
  client: Duplex;
  /** `host:port`, not checked yet. */
  backend: string;
  /** The client's first bytes, where they must not be a web page's. These bytes are no longer in `client`. */
  beginning?: Beginning;
  /** The answer to a client that waits for one before it sends. A client without an answer may send at once. */
  answer?: {
    granted: string | Uint8Array;
    refused(error: PuenteError): string | Uint8Array;
  };
}

/**
 * Reads the bytes in which a client says what it wants, before its own bytes.
 * @throws Refusal, HungUp
 */
export type Entrance = (client: net.Socket) => Promise<Request>;

/** Leads to one backend; the client need not say where. Refuses bytes that web pages can send. */
export function to(backend: string): Entrance {
  return async (client) => ({ client, backend, beginning: new Beginning(client) });
}

/**
 * As `to`, but refuses nothing: for example, for a backend that speaks HTTP. The person who forwards to the backend has
 * said so.
 */
export function toAnything(backend: string): Entrance {
  return async (client) => ({ client, backend });
}

/** As `to`, for clients that speak TLS to the gateway, and go on without TLS. */
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
