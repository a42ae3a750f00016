/** The way to a backend. */
import { connect } from 'cloudflare:sockets';
import { PuenteError } from '../../protocol/errors.ts';
import { BACKEND_TIMEOUT } from '../../protocol/limits.ts';
import type { Backend } from '../admission/backends.ts';

/** `highWaterMark` of a backend's socket. Without one `connect()` never shows back-pressure. */
const BACKEND_BUFFER = 65_536;

/**
 * Opens a TCP connection, half-closable and with back-pressure.
 * @param displaced ends the attempt
 * @throws PuenteError `backend-down` when the name does not resolve, the backend refuses, or BACKEND_TIMEOUT passes; `full` when displaced
 */
export async function openBackend({ host, port }: Backend, displaced: AbortSignal): Promise<Socket> {
  const options = { secureTransport: 'off', allowHalfOpen: true, highWaterMark: BACKEND_BUFFER };
  const socket = connect({ hostname: host, port }, options);
  // Told by reads and writes as well; unheard, it would count as an unhandled rejection.
  socket.closed.catch(() => {});
  let timer: number | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, BACKEND_TIMEOUT);
    displaced.addEventListener('abort', reject);
  });
  try {
    await Promise.race([socket.opened, late]);
    displaced.throwIfAborted();
    return socket;
  } catch {
    socket.close().catch(() => {});
    throw new PuenteError(displaced.aborted ? 'full' : 'backend-down');
  } finally {
    clearTimeout(timer);
  }
}
