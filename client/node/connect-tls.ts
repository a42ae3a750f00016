/** The app's own TLS, through a tunnel. */
import { isIP } from 'node:net';
import tls from 'node:tls';
import { backendName, type SocketAddress } from '../address.ts';
import { createConnection, type NodeConnectOptions } from './create-connection.ts';

/** Options of `tls.connect`, without the destination. */
export type TlsOptions = Omit<tls.ConnectionOptions, 'host' | 'port' | 'path' | 'socket'>;

/**
 * `tls.connect` through a relay. A failure of the tunnel is an `error` of the TLS socket. The tunnel and the TLS socket
 * end together; `tls.connect({ socket: createConnection(…) })` alone does not see to this.
 *
 * @param options as for `tls.connect`, such as `ca`; `servername` defaults to the host
 * @throws PuenteError `address-invalid`
 *
 * @example
 * ```ts
 * const socket = connectTls('chat.example.org:5223', { relay: link });
 * socket.on('error', (error) => console.error(error instanceof PuenteError ? error.code : error));
 * ```
 */
export function connectTls(
  address: SocketAddress | string,
  tunnel: NodeConnectOptions,
  options: TlsOptions = {},
): tls.TLSSocket {
  const hostname = typeof address === 'string' ? new URL(`tls://${backendName(address)}`).hostname : address.hostname;
  // Keep the tunnel half-open: TLS sends its own goodbye after the backend's end. The user of the TLS socket does not
  // notice.
  const socket = createConnection(address, { ...tunnel, allowHalfOpen: true });
  // Node emits the tunnel's failure and goes on. Without `destroy`, a write under way would also fail, with a second
  // `error` after `close`.
  socket.once('error', () => secure.destroy());
  const secure = tls.connect({
    ...options,
    // An IP address is no server name (RFC 6066, section 3). Node then checks the certificate against `host`.
    servername: options.servername ?? (isIP(hostname) ? '' : hostname),
    host: hostname,
    socket,
  });
  secure.allowHalfOpen = false;
  return secure;
}
