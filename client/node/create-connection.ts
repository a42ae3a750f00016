/** A tunnel as a `Duplex`, on Node's own runtime. */
import { backendName, type SocketAddress } from '../address.ts';
import type { Dial, Runtime } from '../runtime.ts';
import type { ConnectOptions } from '../socket.ts';
import { nodeCipher } from './cipher.ts';
import { dial as defaultDial } from './dial.ts';
import { type DuplexOptions, PuenteSocket } from './duplex.ts';

/** The options of {@link ConnectOptions}, and an option that only Node has. */
export interface NodeConnectOptions extends ConnectOptions {
  /** How a WebSocket is opened; default: `dialer()`. */
  dial?: Dial;
}

export function runtimeOf({ dial = defaultDial }: { dial?: Dial }): Runtime {
  // Node does not report a change of network. A lost network shows only in connections that are lost or stall.
  return { dial, cipher: async () => nodeCipher, onNetworkChange() {} };
}

/**
 * Opens a `Duplex` to `address` through a relay. Use the `Duplex` wherever a `net.Socket` is accepted. The app may
 * write to the `Duplex` at once. For TLS through the `Duplex`, use `connectTls`.
 *
 * @param address the backend: `{ hostname, port }` or `"host:port"`
 * @param options which relay to use; whether the app goes on writing after the backend has finished
 * @returns a socket that emits `connect` or `error` within 20 seconds
 * @throws PuenteError `address-invalid`; every later failure is an `error` event with a PuenteError
 *
 * @example
 * ```ts
 * const socket = createConnection('chat.example.org:5223', { relay: link });
 * socket.on('error', (error) => console.error(error instanceof PuenteError ? error.code : error));
 * ```
 */
export function createConnection(
  address: SocketAddress | string,
  options: NodeConnectOptions & DuplexOptions,
): PuenteSocket {
  return new PuenteSocket(runtimeOf(options), backendName(address), options);
}
