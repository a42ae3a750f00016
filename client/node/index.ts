/**
 * Puente in Node: a socket through a relay as a `Duplex`, for everything that takes a `net.Socket`.
 *
 * A byte goes: duplex → tunnel → protocol/session → protocol/carrier → dial.
 */
import '../../protocol/sentences.ts';
import { backendName, type SocketAddress } from '../address.ts';
import { type CheckOptions, checkThrough, type Report } from '../check.ts';
import type { Dial, Runtime } from '../runtime.ts';
import { type ConnectOptions, type Socket, socketThrough } from '../socket.ts';
import { nodeCipher } from './cipher.ts';
import { type DialerOptions, dial as defaultDial, dialer } from './dial.ts';
import { type DuplexOptions, PuenteSocket } from './duplex.ts';

export { type Code, PuenteError } from '../../protocol/errors.ts';
export type { SocketAddress } from '../address.ts';
export type { CheckedStage, CheckOptions, RelayReport, Report, Stage } from '../check.ts';
export type { PathOptions } from '../path.ts';
export { fetchRelayList, parseRelayList, type RelayList, type SkippedEntry } from '../relay-list.ts';
export { Relays } from '../relays.ts';
export type { Dial, DialEvents, DialStage } from '../runtime.ts';
export type { ConnectOptions, Socket, SocketInfo, Status } from '../socket.ts';
export type { DuplexOptions } from './duplex.ts';
export { readRelayList } from './relay-list.ts';
export { type DialerOptions, defaultDial as dial, dialer, PuenteSocket };

/** What {@link ConnectOptions} says, and what only Node can be told. */
export interface NodeConnectOptions extends ConnectOptions {
  /** How a WebSocket is opened; default: `dialer()`. */
  dial?: Dial;
}

function runtimeOf({ dial = defaultDial }: { dial?: Dial }): Runtime {
  // Node has no word for it: a network that is gone shows in connections that are lost or stall.
  return { dial, cipher: async () => nodeCipher, onNetworkChange() {} };
}

/**
 * Opens a `Duplex` to `address` through a relay; use it wherever a `net.Socket` is taken, as in
 * `tls.connect({ socket: createConnection(…), servername })`. It may be written to at once.
 *
 * @param address the backend: `{ hostname, port }` or `"host:port"`
 * @param options through which relay; whether the app goes on writing after the backend has finished
 * @returns a socket that emits `connect` or `error` within 20 seconds
 * @throws PuenteError `address-invalid`; every later failure is an `error` event with a PuenteError
 *
 * @example
 * ```ts
 * const socket = tls.connect({
 *   socket: createConnection('chat.example.org:5223', { relay: link }),
 *   servername: 'chat.example.org',
 * });
 * socket.on('error', (error) => console.error(error instanceof PuenteError ? error.code : error));
 * ```
 */
export function createConnection(
  address: SocketAddress | string,
  options: NodeConnectOptions & DuplexOptions,
): PuenteSocket {
  return new PuenteSocket(runtimeOf(options), backendName(address), options);
}

/**
 * The same as a WinterTC socket; see {@link Socket}.
 *
 * @param address the backend: `{ hostname, port }` or `"host:port"`
 * @throws PuenteError `address-invalid`; every later failure is told by `opened` and `closed`
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
 * Tries relays the whole way: to each of them, through it to a backend that must answer, and with 64 KiB there and back. Takes
 * a second or two for a relay that works, up to 20 s for one that does not. Does not throw: what is wrong stands in the report.
 *
 * @param relays links or bare addresses
 */
export function check(relays: string | readonly string[], options: NodeCheckOptions = {}): Promise<Report> {
  return checkThrough(runtimeOf(options), relays, options);
}
