/** TLS of the app's own, in a tunnel: what the adapters give to their libraries. */
import { isIP } from 'node:net';
import tls from 'node:tls';
import type { SocketAddress } from '../address.ts';
import { createConnection, type NodeConnectOptions } from '../node/index.ts';

/** What `tls.connect` takes, but for where it connects to. */
export type TlsOptions = Omit<tls.ConnectionOptions, 'host' | 'port' | 'path' | 'socket'>;

/**
 * A tunnel's failure is an `error` of the TLS socket, and each ends with the other.
 * @throws PuenteError `address-invalid`
 */
export function secured(address: SocketAddress, tunnel: NodeConnectOptions, options: TlsOptions = {}): tls.TLSSocket {
  const { hostname } = address;
  // Half-open, as TLS has its own goodbye to say after the backend's end. Who uses TLS sees no more of that than ever.
  const socket = createConnection(address, { ...tunnel, allowHalfOpen: true });
  // Node tells of a tunnel's failure and goes on: a write under way would then fail as well, in a second `error` after `close`.
  socket.once('error', () => secure.destroy());
  const secure = tls.connect({
    ...options,
    // An IP address is no server name (RFC 6066, section 3): the certificate is then held against `host`.
    servername: options.servername ?? (isIP(hostname) ? '' : hostname),
    host: hostname,
    socket,
  });
  secure.allowHalfOpen = false;
  return secure;
}
