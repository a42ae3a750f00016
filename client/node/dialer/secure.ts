/** TLS with a relay's host, over an open connection. */
import { isIP, type Socket } from 'node:net';
import tls from 'node:tls';
import { SplitHello } from './split-hello.ts';

export interface Handshake {
  /** The name that the certificate must be for, whatever the address is. */
  name: string;
  /** The ClientHello goes in parts. */
  split: boolean;
  /** The ticket of an earlier connection. */
  ticket: Buffer | undefined;
}

/** Rejects with the error, or with the signal's reason; the connection is then closed. */
export function secure(tcp: Socket, { name, split, ticket }: Handshake, signal: AbortSignal): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      socket: split ? new SplitHello(tcp) : tcp,
      host: name,
      servername: isIP(name) ? '' : name,
      // Browsers send this for a WebSocket. Without it the edge might choose HTTP/2, and few other clients send
      // nothing.
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
    // The caller handles a later error. Until then the error must not be uncaught.
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
