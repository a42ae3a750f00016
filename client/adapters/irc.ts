/** irc-framework through a relay. */
import type { EventEmitter } from 'node:events';
import NetTransport from 'irc-framework/src/transports/net.js';
import { connectTls, type NodeConnectOptions, type TlsOptions } from '../node/index.ts';

const IRCS = 6697;
/**
 * The library's number for a connecting socket. On a close, the library destroys such a socket and does not say
 * goodbye.
 */
const CONNECTING = 1;

/**
 * A class for irc-framework's option `transport`; the library makes a new instance for each reconnect. The transport
 * always does TLS. `host`, `port` (6697), `rejectUnauthorized` and `client_certificate` are the library's own options.
 * A failure of the tunnel is the PuenteError that comes with `socket close`.
 *
 * @param options of `tls.connect`, such as `ca`, for which the library has no options
 * @example
 * client.connect({ host: 'irc.example.org', nick: 'ana', transport: transport({ relay: link }) });
 */
export function transport(tunnel: NodeConnectOptions, options: TlsOptions = {}): new (options: object) => EventEmitter {
  return class TunnelTransport extends NetTransport {
    override connect(): void {
      const { host = 'localhost', port = IRCS, rejectUnauthorized, client_certificate } = this.options;
      this.incoming_buffer = Buffer.alloc(0);
      this.socket = connectTls({ hostname: host, port }, tunnel, {
        rejectUnauthorized,
        key: client_certificate?.private_key,
        cert: client_certificate?.certificate,
        ...options,
      });
      this.state = CONNECTING;
      this._onSocketCreate(this.options, this.socket);
    }

    /** The library calls this as soon as there is a socket; here the socket is not connected yet. */
    override onSocketRawConnected(): void {}

    override onSocketFullyConnected(): void {
      super.onSocketRawConnected();
      super.onSocketFullyConnected();
    }
  };
}
