/**
 * Stands before a server that speaks TLS, and notes what everybody on the way sees: the length and time of each record,
 * each way.
 */
import net from 'node:net';
import { concat, Reader } from '../protocol/bytes.ts';
import { type Listening, listen } from '../test/support/network/listen.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export type From = 'client' | 'relay';

/** RFC 8446 section 5.1. */
export const HANDSHAKE = 22;
export const APPLICATION_DATA = 23;
export const RECORD_HEADER = 5;

export interface TlsRecord {
  from: From;
  type: number;
  /** The length in the record's header, without the header itself. */
  length: number;
  /** Milliseconds. */
  at: number;
}

export class Tap {
  readonly #listening: Listening;
  readonly records: TlsRecord[] = [];
  /** The first record, whole. */
  clientHello: Bytes | undefined;

  private constructor(server: net.Server, listening: Listening, to: number) {
    this.#listening = listening;
    server.on('connection', (client: net.Socket) => {
      const relay = net.connect({ port: to, host: '127.0.0.1', noDelay: true });
      this.#watch('client', client, relay);
      this.#watch('relay', relay, client);
    });
  }

  /** Watches one connection. @param to the server's port */
  static async open(to: number): Promise<Tap> {
    const server = net.createServer({ noDelay: true });
    return new Tap(server, await listen(server), to);
  }

  get port(): number {
    return this.#listening.port;
  }

  close(): Promise<void> {
    return this.#listening.close();
  }

  #watch(from: From, source: net.Socket, sink: net.Socket): void {
    let pending: Bytes = new Uint8Array(0);
    source.on('data', (chunk: Bytes) => {
      sink.write(chunk);
      pending = concat(pending, chunk);
      while (pending.length >= RECORD_HEADER) {
        const length = new Reader(pending.subarray(3)).u16();
        if (pending.length < RECORD_HEADER + length) break;
        this.records.push({ from, type: pending[0] as number, length, at: performance.now() });
        this.clientHello ??= pending.slice(RECORD_HEADER, RECORD_HEADER + length);
        pending = pending.subarray(RECORD_HEADER + length);
      }
    });
    source.on('error', () => sink.destroy()).on('close', () => sink.destroy());
  }
}
