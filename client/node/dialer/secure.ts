/** TLS with a relay's host, over a connection that is there. */
import { isIP, type Socket } from 'node:net';
import tls from 'node:tls';
import { SplitHello } from './split-hello.ts';

export interface Handshake {
  /** Whose certificate it must be, whatever the address. */
  name: string;
  /** The ClientHello goes in parts. */
  split: boolean;
  /** A ticket of a connection before it. */
  ticket: Buffer | undefined;
}

/** Rejects with what goes wrong, or with the signal's reason; the connection is closed then. */
export function secure(tcp: Socket, { name, split, ticket }: Handshake, signal: AbortSignal): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      socket: split ? new SplitHello(tcp) : tcp,
      host: name,
      servername: isIP(name) ? '' : name,
      // What browsers say for a WebSocket; without it the edge might choose HTTP/2, and few other clients say nothing.
      ALPNProtocols: ['http/1.1'],
      session: ticket,
    });
    const end = () => {
      signal.removeEventListener('abort', giveUp);
      socket.off('close', closed).off('error', failed);
    };
    const failed = (error: Error) => {
      end();
      socket.destroy();
      tcp.destroy();
      reject(error);
    };
    const giveUp = () => failed(signal.reason);
    const closed = () => failed(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    // A later error is for whoever takes it; until then it must not be an uncaught one.
    socket
      .once('error', failed)
      .once('close', closed)
      .on('error', () => {});
    socket.once('secureConnect', () => {
      end();
      resolve(socket);
    });
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp);
  });
}
