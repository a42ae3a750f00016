import type { PuenteError, PuenteSocket } from '../../client/node/index.ts';

/** The error that a socket ends with. */
export function failure(socket: PuenteSocket): Promise<PuenteError> {
  return new Promise((resolve) => socket.once('error', (error) => resolve(error as PuenteError)));
}
