/**
 * Puente in browsers and in other runtimes with the web's own WebSocket. In Node, use `puente/node`.
 *
 * The way of a byte: socket → tunnel → protocol/session → protocol/carrier → dial.
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
 * Opens a socket to `address` through a relay. Returns at once. The app may also write bytes at once; a TLS ClientHello
 * then costs no extra round trip.
 *
 * @param address the backend: `{ hostname, port }` or `"host:port"`
 * @param options which relay to use
 * @returns a socket whose `opened` settles within 20 seconds
 * @throws PuenteError `address-invalid`; `opened` and `closed` report every later failure
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
 * Checks relays over the whole way: to each relay, through the relay to a backend that must answer, and with 64 KiB to
 * the relay and back. Takes a second or two for a relay that works, and up to 20 s for a relay that does not. Does not
 * throw for a broken relay: its report says what is wrong.
 *
 * @param relays links or bare addresses
 * @throws PuenteError `address-invalid` for the backend in `options`
 */
export function check(relays: string | readonly string[], options: CheckOptions = {}): Promise<Report> {
  return checkThrough(runtime, relays, options);
}
