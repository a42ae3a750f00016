/**
 * Puente in Node: a socket through a relay as a `Duplex`, for everything that takes a `net.Socket`.
 *
 * A byte goes: duplex → tunnel → protocol/session → protocol/carrier → dial.
 */
import '../../protocol/sentences.ts';
import { backendName, type SocketAddress } from '../address.ts';
import type { Dial, Runtime } from '../runtime.ts';
import { type ConnectOptions, type Socket, socketThrough } from '../socket.ts';
import { nodeCipher } from './cipher.ts';
import { dial as defaultDial } from './dial.ts';
import { type DuplexOptions, PuenteSocket } from './duplex.ts';

export { type Code, PuenteError } from '../../protocol/errors.ts';
export type { SocketAddress } from '../address.ts';
export { fetchRelayList, parseRelayList, type RelayList, type SkippedEntry } from '../relay-list.ts';
export { Relays } from '../relays.ts';
export type { Dial, DialEvents } from '../runtime.ts';
export type { ConnectOptions, Socket } from '../socket.ts';
export type { DuplexOptions } from './duplex.ts';
export { readRelayList } from './relay-list.ts';
export { defaultDial as dial, PuenteSocket };

export interface NodeConnectOptions extends ConnectOptions {
  /** How a WebSocket is opened; default: with `ws`. */
  dial?: Dial;
}

function runtimeOf({ dial = defaultDial }: NodeConnectOptions): Runtime {
  // Node has no word for it: a network that is gone shows in connections that are lost or stall.
  return { dial, cipher: async () => nodeCipher, onNetworkChange() {} };
}

/**
 * Opens a `Duplex` to `address` through a relay; use it wherever a `net.Socket` is taken, as in
 * `tls.connect({ socket: createConnection(…), servername })`. It may be written to at once.
 *
 * @param address the backend: `{ hostname, port }` or `"host:port"`
 * @throws PuenteError `address-invalid`; every later failure is an `error` event with a PuenteError
 */
export function createConnection(
  address: SocketAddress | string,
  options: NodeConnectOptions & DuplexOptions,
): PuenteSocket {
  return new PuenteSocket(runtimeOf(options), backendName(address), options);
}

/** The same as a WinterTC socket; see {@link Socket}. */
export function connect(address: SocketAddress | string, options: NodeConnectOptions): Socket {
  return socketThrough(runtimeOf(options), address, options);
}
