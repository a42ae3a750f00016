/** Connects to a backend. */
import { connect } from 'cloudflare:sockets';
import { PuenteError } from '../../protocol/errors.ts';
import { BACKEND_TIMEOUT } from '../../protocol/limits.ts';
import { within } from '../../protocol/waiting.ts';
import type { Backend } from '../admission/backends.ts';
import { clock } from '../clock.ts';

/** The `highWaterMark` of a backend's socket. Without a `highWaterMark`, `connect()` never shows back-pressure. */
const BACKEND_BUFFER = 65_536;

/**
 * Opens a TCP connection, half-closable and with back-pressure.
 * @param displaced ends the attempt when aborted
 * @throws PuenteError `backend-down` when the name does not resolve, the backend refuses, or BACKEND_TIMEOUT passes;
 * `full` when displaced
 */
export async function openBackend({ host, port }: Backend, displaced: AbortSignal): Promise<Socket> {
  const options = { secureTransport: 'off', allowHalfOpen: true, highWaterMark: BACKEND_BUFFER };
  const socket = connect({ hostname: host, port }, options);
  // Ignore this error: reads and writes report it as well. Without `catch` it would count as an unhandled rejection.
  socket.closed.catch(() => {});
  const opened = await within(clock, BACKEND_TIMEOUT, socket.opened, displaced).catch(() => undefined);
  if (opened && !displaced.aborted) return socket;
  socket.close().catch(() => {});
  throw new PuenteError(displaced.aborted ? 'full' : 'backend-down');
}
