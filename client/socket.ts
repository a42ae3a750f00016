/** A tunnel as a WinterTC socket (https://sockets-api.proposal.wintertc.org). */
import type { Bytes } from '../protocol/bytes.ts';
import { PuenteError } from '../protocol/errors.ts';
import { LINGER } from '../protocol/limits.ts';
import { Wakeup } from '../protocol/wakeup.ts';
import type { Runtime } from './runtime.ts';
import { type ConnectOptions, Tunnel } from './tunnel.ts';

export type { SocketAddress } from './address.ts';
export type { Status } from './relays/attempt.ts';
export type { ConnectOptions } from './tunnel.ts';

/** The value of `opened`. */
export interface SocketInfo {
  /** `host:port` of the backend. */
  remoteAddress: string;
}

/**
 * A socket of the WinterTC proposal. In addition, it dispatches each {@link Status} as a CustomEvent. `detail` is how
 * often this status has come so far.
 *
 * @example
 * ```ts
 * socket.addEventListener('reconnecting', () => show('The connection is lost; trying again.'));
 * socket.closed.catch((error: PuenteError) => show(error.code));
 * ```
 */
export interface Socket extends EventTarget {
  /** The bytes that the backend sends. Ends with the backend's half-close. Errors with a PuenteError. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** The bytes that the app sends. Closing it half-closes the socket; aborting it resets the socket. */
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
  /**
   * Resolves when the relay has connected the backend. Rejects with the PuenteError that prevented it, in 20 s at most.
   */
  readonly opened: Promise<SocketInfo>;
  /** Resolves when both directions have ended. Rejects with the PuenteError that broke them. */
  readonly closed: Promise<void>;
  /**
   * Ends both directions. Earlier writes are still delivered, or `closed` rejects; no further writes are accepted. A
   * backend that does not read is reset after 20 seconds at most.
   * @returns `closed`
   */
  close(): Promise<void>;
  /** Always `off`: encryption is up to the app. */
  readonly secureTransport: 'off';
  readonly upgraded: false;
}

/** @param backend `host:port`; empty for a check, where the relay itself is the backend */
export function socketThrough(runtime: Runtime, backend: string, options: ConnectOptions): Socket {
  return new TunnelSocket(runtime, backend, options);
}

class TunnelSocket extends EventTarget implements Socket {
  readonly readable: ReadableStream<Bytes>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
  readonly opened: Promise<SocketInfo>;
  readonly closed: Promise<void>;
  readonly secureTransport = 'off';
  readonly upgraded = false;

  readonly #tunnel: Tunnel;
  readonly #opened = new Settled<SocketInfo>();
  readonly #closed = new Settled<void>();
  readonly #mayRead = new Wakeup();
  readonly #mayWrite = new Wakeup();
  /** Chunks that the app has written and the session has not yet taken completely. */
  #unwritten = 0;
  readonly #allWritten = new Wakeup();
  #closing = false;
  #broken = false;
  #ended = false;
  #reader!: ReadableStreamDefaultController<Bytes>;
  #writer!: WritableStreamDefaultController;

  constructor(runtime: Runtime, backend: string, options: ConnectOptions) {
    super();
    this.opened = this.#opened.promise;
    this.closed = this.#closed.promise;
    this.#tunnel = new Tunnel(backend, options, runtime, {
      opened: () => this.#opened.resolve({ remoteAddress: backend }),
      status: (status, count) => void this.dispatchEvent(new CustomEvent(status, { detail: count })),
      readable: () => this.#mayRead.set(),
      writable: () => this.#mayWrite.set(),
      ended: (error) => this.#end(error),
    });
    this.readable = new ReadableStream(
      {
        start: (controller) => {
          this.#reader = controller;
        },
        pull: () => this.#pull(),
        cancel: () => void this.#drop(),
      },
      // Take nothing from the session before the app reads: the session's window is the only buffer.
      { highWaterMark: 0 },
    );
    this.writable = new WritableStream(
      {
        start: (controller) => {
          this.#writer = controller;
          // The stream's own `abort` waits for the write under way, and that write may be what hangs.
          controller.signal.addEventListener('abort', () => this.#tunnel.reset());
        },
        write: (chunk) => this.#write(chunk),
        close: () => this.#tunnel.finish(),
      },
      // The stream calls `size` at once for every write, also for writes that it still queues.
      { highWaterMark: 1, size: () => this.#counted() },
    );
  }

  close(): Promise<void> {
    if (!this.#closing) void this.#closeOnceWritten();
    return this.closed;
  }

  async #closeOnceWritten(): Promise<void> {
    this.#closing = true;
    const timer = setTimeout(() => this.#tunnel.reset(), LINGER);
    while (this.#unwritten > 0 && !this.#ended) await this.#allWritten.wait();
    clearTimeout(timer);
    if (!this.#ended) this.#writer.error(new PuenteError('aborted', 'is-closed'));
    this.#tunnel.close();
  }

  #counted(): number {
    if (!this.#closing) this.#unwritten += 1;
    return 1;
  }

  async #pull(): Promise<void> {
    const bytes = await this.#next();
    if (bytes) this.#reader.enqueue(bytes);
    else if (!this.#broken) this.#reader.close();
  }

  /** The app reads no more, but the backend may go on sending. Credit its bytes and drop them. */
  async #drop(): Promise<void> {
    while (await this.#next());
  }

  async #next(): Promise<Bytes | undefined> {
    for (;;) {
      const bytes = this.#tunnel.take();
      if (bytes) {
        this.#tunnel.consumed(bytes.length);
        // The app may transfer its chunk, so never give it a part of a larger buffer.
        return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
      }
      if (this.#tunnel.drained || this.#ended) return undefined;
      await this.#mayRead.wait();
    }
  }

  async #write(chunk: unknown): Promise<void> {
    // Writes come in order, so this chunk was written after `close`.
    if (this.#closing && this.#unwritten === 0) throw new PuenteError('aborted', 'is-closed');
    for (let rest = this.#bytesOf(chunk); rest.length > 0; ) {
      if (this.#ended) throw new PuenteError('aborted', 'is-closed');
      rest = rest.subarray(this.#tunnel.write(rest));
      if (rest.length > 0) await this.#mayWrite.wait();
    }
    this.#unwritten -= 1;
    if (this.#unwritten === 0) this.#allWritten.set();
  }

  /** @throws TypeError for a chunk that is not bytes; the stream is then broken, and so is the socket */
  #bytesOf(chunk: unknown): Bytes {
    if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
    if (ArrayBuffer.isView(chunk))
      return new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.byteLength);
    this.#tunnel.reset();
    throw new TypeError('A chunk must be bytes.');
  }

  #end(error: PuenteError | undefined): void {
    this.#ended = true;
    this.#allWritten.set();
    this.#opened.reject(error ?? new PuenteError('aborted'));
    if (error) {
      this.#broken = true;
      this.#closed.reject(error);
      this.#reader.error(error);
      this.#writer.error(error);
    } else this.#closed.resolve();
    this.#mayRead.set();
    this.#mayWrite.set();
  }
}

/** A promise that is settled from outside. Nobody needs to handle its rejection. */
class Settled<T> {
  resolve!: (value: T) => void;
  reject!: (error: PuenteError) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    this.promise.catch(() => {});
  }
}
