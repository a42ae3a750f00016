/** undici, and with it `fetch`, through a relay. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { buildConnector, errors } from 'undici';
import { createConnection, type NodeConnectOptions, type PuenteSocket } from '../node/index.ts';

/** undici's own default, in milliseconds. */
const CONNECT_TIMEOUT = 10_000;

/**
 * A connector for the option `connect` of undici's dispatchers. A failure of the tunnel is the PuenteError that
 * `request` rejects with, and the `cause` of the TypeError that `fetch` rejects with. `http:` works only where the
 * relay lets plain text through. An abort ends the request at once, as ever with undici. A connection that is still
 * being made for the request ends at the end of `timeout`.
 *
 * @param options as for undici's own connector: `ca`, `timeout` in milliseconds (10,000; 0 is none), `allowH2` and so on
 * @example
 * const dispatcher = new Agent({ connect: connector({ relay: link }) });
 * const response = await fetch('https://chat.example.org/', { dispatcher });
 */
export function connector(
  tunnel: NodeConnectOptions,
  options: buildConnector.BuildOptions = {},
): buildConnector.connector {
  const secure = buildConnector(options);
  return (target, callback) => {
    const isSecure = target.protocol === 'https:';
    const port = Number(target.port) || (isSecure ? 443 : 80);
    const socket = createConnection({ hostname: target.hostname, port }, tunnel);
    if (isSecure) secure({ ...target, httpSocket: asNet(socket) }, callback);
    else
      connected(socket, options.timeout ?? CONNECT_TIMEOUT).then(
        () => callback(null, asNet(socket)),
        (error: Error) => callback(error, null),
      );
  };
}

async function connected(socket: PuenteSocket, timeout: number): Promise<void> {
  const timer = timeout > 0 ? setTimeout(() => socket.destroy(new errors.ConnectTimeoutError()), timeout) : undefined;
  try {
    await once(socket, 'connect');
  } finally {
    clearTimeout(timer);
  }
}

/** undici's types accept only a `net.Socket`. A tunnel has everything that undici uses of a socket. */
function asNet(socket: PuenteSocket): Socket {
  return socket as unknown as Socket;
}
