/**
 * Puente in Node: a socket through a relay as a `Duplex`, for everything that takes a `net.Socket`.
 *
 * A byte goes: duplex → tunnel → protocol/session → protocol/carrier → dial.
 */
import '../../protocol/sentences.ts';
import { backendName, type SocketAddress } from '../address.ts';
import { type CheckOptions, checkThrough, type Report } from '../check/check.ts';
import type { Dial } from '../runtime.ts';
import { type Socket, socketThrough } from '../socket.ts';
import { type NodeConnectOptions, runtimeOf } from './create-connection.ts';

export { type Code, PuenteError } from '../../protocol/errors.ts';
export type { SocketAddress } from '../address.ts';
export type { PathOptions } from '../carriers/path.ts';
export type { CheckedStage, CheckOptions, RelayReport, Report, Stage } from '../check/check.ts';
export { fetchRelayList, parseRelayList, type RelayList, type SkippedEntry } from '../relays/relay-list.ts';
export { Relays } from '../relays/relays.ts';
export type { Dial, DialEvents, DialStage } from '../runtime.ts';
export type { ConnectOptions, Socket, SocketInfo, Status } from '../socket.ts';
export { connectTls, type TlsOptions } from './connect-tls.ts';
export { createConnection, type NodeConnectOptions } from './create-connection.ts';
export { type DialerOptions, dial, dialer } from './dial.ts';
export { type DuplexOptions, PuenteSocket } from './duplex.ts';
export { readRelayList } from './relay-list.ts';

/**
 * Opens the same tunnel as a WinterTC socket; see {@link Socket}.
 *
 * @param address the backend: `{ hostname, port }` or `"host:port"`
 * @throws PuenteError `address-invalid`; `opened` and `closed` tell every later failure
 *
 * @example
 * ```ts
 * const socket = connect('chat.example.org:5223', { relay: link });
 * await socket.opened;
 * ```
 */
export function connect(address: SocketAddress | string, options: NodeConnectOptions): Socket {
  return socketThrough(runtimeOf(options), backendName(address), options);
}

export interface NodeCheckOptions extends CheckOptions {
  /** How a WebSocket is opened; default: `dialer()`. */
  dial?: Dial;
}

/**
 * Checks the whole way of relays: to each relay, through the relay to a backend that must answer, and with 64 KiB there
 * and back. A check takes a second or two for a relay that works, and up to 20 s for a relay that does not. Does not
 * throw: the report says what is wrong.
 *
 * @param relays links or bare addresses
 */
export function check(relays: string | readonly string[], options: NodeCheckOptions = {}): Promise<Report> {
  return checkThrough(runtimeOf(options), relays, options);
}
