/** How long nothing arrived while traffic was under way: what people notice of a cut. */
import net from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import { startBackend } from '../support/servers/backend.ts';

export interface Silence {
  /** Passes connections on to a server, and hears what arrives there. */
  port: number;
  /** Hears what arrives at an app. */
  hear<T extends Duplex>(stream: T): T;
  /** The longest time in milliseconds between two arrivals, whichever stream and end they were at. */
  readonly longest: number;
  close(): Promise<void>;
}

/** @param server the port that streams lead to in the end */
export async function startSilence(server: number): Promise<Silence> {
  let longest = 0;
  let last: number | undefined;
  const hear = <T extends Duplex>(stream: T): T => {
    stream.on('data', () => {
      const now = performance.now();
      longest = Math.max(longest, now - (last ?? now));
      last = now;
    });
    return stream;
  };
  const backend = await startBackend((socket) => {
    const onward = net.connect({ port: server, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    // Its callback is for the error that has ended one of them, and then both.
    pipeline(hear(socket), onward, socket, () => {});
  });
  return {
    port: backend.port,
    hear,
    get longest() {
      return longest;
    },
    close: () => backend.close(),
  };
}
