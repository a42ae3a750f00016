/** MQTT.js through a relay. */
import type { TLSSocket } from 'node:tls';
import type { MqttClient } from 'mqtt';
import { connectTls, type NodeConnectOptions, type TlsOptions } from '../node/index.ts';

const MQTTS = 8883;

/**
 * What `MqttClient` takes as stream builder; it is called again for each reconnect. Where to, and how TLS is done, the client's
 * own options say: `host`, `port` (8883), `ca`, `servername`, `ALPNProtocols` and so on. It always does TLS. The client's
 * `error` is the PuenteError that the tunnel failed with.
 *
 * @example
 * const client = new MqttClient(stream({ relay: link }), { host: 'chat.example.org' });
 */
export function stream(tunnel: NodeConnectOptions): (client: MqttClient) => TLSSocket {
  return ({ options }) => {
    const { hostname, host = 'localhost', port = MQTTS } = options;
    // The library, too, hands all of its options to `tls.connect`; its types are wider.
    return connectTls({ hostname: hostname ?? host, port }, tunnel, options as TlsOptions);
  };
}
