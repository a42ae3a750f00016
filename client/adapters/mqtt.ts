/** MQTT.js through a relay. */
import type { TLSSocket } from 'node:tls';
import type { MqttClient } from 'mqtt';
import { connectTls, type NodeConnectOptions, type TlsOptions } from '../node/index.ts';

const MQTTS = 8883;

/**
 * A stream builder for `MqttClient`, which calls the builder again for each reconnect. The client's own options give
 * the address and the TLS options: `host`, `port` (8883), `ca`, `servername`, `ALPNProtocols` and so on. The stream
 * always does TLS. The client's `error` is the PuenteError of the tunnel.
 *
 * @example
 * const client = new MqttClient(stream({ relay: link }), { host: 'chat.example.org' });
 */
export function stream(tunnel: NodeConnectOptions): (client: MqttClient) => TLSSocket {
  return ({ options }) => {
    const { hostname, host = 'localhost', port = MQTTS } = options;
    // The library, too, hands all of its options to `tls.connect`; the library's types are wider.
    return connectTls({ hostname: hostname ?? host, port }, tunnel, options as TlsOptions);
  };
}
