/** TLS of the app's own, in a tunnel. */
import { isIP } from 'node:net';
import tls from 'node:tls';
import { backendName, type SocketAddress } from '../address.ts';
import { createConnection, type NodeConnectOptions } from './create-connection.ts';

/** What `tls.connect` takes, but for where it connects to. */
export type TlsOptions = Omit<tls.ConnectionOptions, 'host' | 'port' | 'path' | 'socket'>;

/**
 * `tls.connect`, through a relay. A tunnel's failure is an `error` of the TLS socket, and each ends with the other, which
 * `tls.connect({ socket: createConnection(…) })` by itself does not see to.
 *
 * @param options as for `tls.connect`, such as `ca`; `servername` is the host unless it says otherwise
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
