/** A tunnel as a `Duplex`, on Node's own runtime. */
import { backendName, type SocketAddress } from '../address.ts';
import type { Dial, Runtime } from '../runtime.ts';
import type { ConnectOptions } from '../socket.ts';
import { nodeCipher } from './cipher.ts';
import { dial as defaultDial } from './dial.ts';
import { type DuplexOptions, PuenteSocket } from './duplex.ts';

/** What {@link ConnectOptions} says, and what only Node can be told. */
export interface NodeConnectOptions extends ConnectOptions {
  /** How a WebSocket is opened; default: `dialer()`. */
  dial?: Dial;
}

export function runtimeOf({ dial = defaultDial }: { dial?: Dial }): Runtime {
  // Node has no word for it: a network that is gone shows in connections that are lost or stall.
  return { dial, cipher: async () => nodeCipher, onNetworkChange() {} };
}

/**
 * Opens a `Duplex` to `address` through a relay; use it wherever a `net.Socket` is taken. It may be written to at once. For TLS
 * through it there is `connectTls`.
 *
 * @param address the backend: `{ hostname, port }` or `"host:port"`
 * @param options through which relay; whether the app goes on writing after the backend has finished
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
