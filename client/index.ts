/**
 * Puente in browsers and other runtimes with the web's own WebSocket. In Node, use `./node/index.ts`.
 *
 * A byte goes: socket → tunnel → protocol/session → protocol/carrier → dial.
 */
import { cipherForThisRuntime } from './cipher.ts';
import { dial } from './dial.ts';
import { onNetworkChange } from './network.ts';
import type { Runtime } from './runtime.ts';
import { type ConnectOptions, type Socket, type SocketAddress, socketThrough } from './socket.ts';

export { type Code, PuenteError } from '../protocol/errors.ts';
export { fetchRelayList, parseRelayList, type RelayList, type SkippedEntry } from './relay-list.ts';
export { Relays } from './relays.ts';
export type { ConnectOptions, Socket, SocketAddress, Status } from './socket.ts';

const runtime: Runtime = { dial, cipher: cipherForThisRuntime, onNetworkChange };

/**
 * Opens a socket to `address` through a relay. Returns at once; bytes may be written at once too, and a TLS ClientHello
 * then costs no extra round trip.
 *
 * @param address the backend: `{ hostname, port }` or `"host:port"`
 * @throws PuenteError `address-invalid`; every later failure is told by `opened` and `closed`
 */
export function connect(address: SocketAddress | string, options: ConnectOptions): Socket {
  return socketThrough(runtime, address, options);
}
