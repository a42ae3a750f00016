/**
 * Puente in browsers and other runtimes with the web's own WebSocket. In Node, use `puente/node`.
 *
 * A byte goes: socket → tunnel → protocol/session → protocol/carrier → dial.
 */
import { backendName, type SocketAddress } from './address.ts';
import { type CheckOptions, checkThrough, type Report } from './check/check.ts';
import type { Runtime } from './runtime.ts';
import { type ConnectOptions, type Socket, socketThrough } from './socket.ts';
import { cipherForThisRuntime } from './web/cipher.ts';
import { dial } from './web/dial.ts';
import { onNetworkChange } from './web/network.ts';

export { type Code, PuenteError } from '../protocol/errors.ts';
export type { SocketAddress } from './address.ts';
export type { PathOptions } from './carriers/path.ts';
export type { CheckedStage, CheckOptions, RelayReport, Report, Stage } from './check/check.ts';
export { fetchRelayList, parseRelayList, type RelayList, type SkippedEntry } from './relays/relay-list.ts';
export { Relays } from './relays/relays.ts';
export type { ConnectOptions, Socket, SocketInfo, Status } from './socket.ts';

const runtime: Runtime = { dial, cipher: cipherForThisRuntime, onNetworkChange };

/**
 * Opens a socket to `address` through a relay. Returns at once; bytes may be written at once too, and a TLS ClientHello
 * then costs no extra round trip.
 *
 * @param address the backend: `{ hostname, port }` or `"host:port"`
 * @param options through which relay
 * @returns a socket whose `opened` settles within 20 seconds
 * @throws PuenteError `address-invalid`; every later failure is told by `opened` and `closed`
 *
 * @example
 * ```ts
 * const socket = connect('chat.example.org:5223', { relay: link });
 * const sending = chunks.pipeTo(socket.writable); // a ReadableStream of bytes; its end half-closes
 * await socket.readable.pipeTo(new WritableStream({ write: handle }));
 * await sending;
 * ```
 */
export function connect(address: SocketAddress | string, options: ConnectOptions): Socket {
  return socketThrough(runtime, backendName(address), options);
}

/**
 * Tries relays the whole way: to each of them, through it to a backend that must answer, and with 64 KiB there and back. Takes
 * a second or two for a relay that works, up to 20 s for one that does not. Does not throw: what is wrong stands in the report.
 *
 * @param relays links or bare addresses
 */
export function check(relays: string | readonly string[], options: CheckOptions = {}): Promise<Report> {
  return checkThrough(runtime, relays, options);
}
