/** xmpp.js through a relay. */
import type { TLSSocket } from 'node:tls';
import { connectTls, type NodeConnectOptions, type TlsOptions } from '../node/index.ts';

/** A client of `@xmpp/client`. */
export interface XmppClient {
  transports: unknown[];
}

// The parts of a transport that this file uses; the library's types do not have them.
interface XmppSocket {
  connect(target: { host: string; port: number }): void;
  _attachSocket(socket: TLSSocket): void;
}

interface XmppConnection {
  Socket: new () => XmppSocket;
  socketParameters(service: string): object | undefined;
}

interface XmppTransport {
  new (): XmppConnection;
  readonly prototype: XmppConnection;
}

/**
 * Lets the client of `@xmpp/client` reach its server through a relay, and in no other way. `service` must be
 * `xmpps://host` or `xmpps://host:port`: for a bare domain the library asks DNS, in the clear. `start()` rejects with
 * the PuenteError of the tunnel.
 *
 * @param options of `tls.connect`, such as `ca`; `servername` defaults to the host of `service`
 * @returns the same client
 * @throws TypeError for a client that has no direct TLS, as in browsers
 * @example
 * const xmpp = throughRelay(client({ service: 'xmpps://chat.example.org', username, password }), { relay: link });
 * await xmpp.start();
 */
export function throughRelay<Client extends XmppClient>(
  client: Client,
  tunnel: NodeConnectOptions,
  options?: TlsOptions,
): Client {
  const transports = client.transports as XmppTransport[];
  const directTls = transports.find(({ prototype }) => prototype.socketParameters('xmpps://host'));
  if (!directTls) throw new TypeError('This XMPP client has no transport for xmpps://.');

  class TunnelSocket extends directTls.prototype.Socket {
    override connect({ host, port }: { host: string; port: number }): void {
      const socket = connectTls({ hostname: host, port }, tunnel, options);
      // The library decodes each chunk alone, and a chunk may end within a character.
      socket.setEncoding('utf8');
      this._attachSocket(socket);
    }
  }

  // The library makes its sockets itself, from the class in this property.
  class TunnelTransport extends directTls {}
  TunnelTransport.prototype.Socket = TunnelSocket;
  client.transports = [TunnelTransport];
  return client;
}
