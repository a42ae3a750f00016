/** A TCP connection to one of several addresses. */
import net from 'node:net';

/**
 * Milliseconds between the beginnings of two TCP connections. The first connection to be established is used (RFC 8305
 * section 5).
 */
const CONNECT_DELAY = 250;

export interface Address {
  /** An IP address, or a name. */
  host: string;
  port: number;
}

export interface Connected {
  tcp: net.Socket;
  address: Address;
}

/**
 * Resolves with the first connection to be established. Tries each address 250 ms after the address before it, or when
 * that address has failed (RFC 8305 section 5). Sends nothing on any connection. Rejects with the first failure, or
 * with the signal's reason.
 */
export function connectAny(addresses: readonly Address[], signal: AbortSignal): Promise<Connected> {
  return new Promise((resolve, reject) => {
    const waiting = addresses.values();
    const trying = new Set<net.Socket>();
    let timer: NodeJS.Timeout | undefined;
    let failure: Error | undefined;

    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      for (const tcp of trying) tcp.destroy();
    };
    const giveUp = () => {
      end();
      reject(signal.reason);
    };
    const next = () => {
      clearTimeout(timer);
      const { value: address } = waiting.next();
      if (address) attempt(address);
      else if (trying.size === 0) {
        end();
        reject(failure ?? new Error('no address'));
      }
    };
    const attempt = (address: Address) => {
      const tcp = net.connect({ ...address, noDelay: true });
      trying.add(tcp);
      const failed = (error: Error) => {
        failure ??= error;
        trying.delete(tcp);
        next();
      };
      tcp.once('error', failed);
      tcp.once('connect', () => {
        // The caller handles a later error. Until then the error must not be uncaught.
        tcp.off('error', failed).on('error', () => {});
        trying.delete(tcp);
        end();
        resolve({ tcp, address });
      });
      timer = setTimeout(next, CONNECT_DELAY);
    };
    if (signal.aborted) return giveUp();
    signal.addEventListener('abort', giveUp);
    next();
  });
}
