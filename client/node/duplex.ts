/** A tunnel as a Node stream: a `Duplex` that behaves like a `net.Socket`. */
import { Duplex } from 'node:stream';
import type { PuenteError } from '../../protocol/errors.ts';
import type { Status } from '../relays/attempt.ts';
import type { Runtime } from '../runtime.ts';
import { type ConnectOptions, Tunnel } from '../tunnel.ts';

type Done = (error?: Error | null) => void;

/** The options of {@link ConnectOptions}, and how the stream ends. */
export interface DuplexOptions extends ConnectOptions {
  /** Whether the app goes on writing after the backend has finished; default `false`, as for `net.connect`. */
  allowHalfOpen?: boolean;
}

/**
 * The socket that `createConnection` returns. It emits `connect` and `ready` when the relay has connected the backend.
 * Beside a `Duplex`'s own events, it emits each {@link Status} with the number of times that this status has come by
 * now. An `error` is a PuenteError, or the error given to `destroy`.
 *
 * @example
 * ```ts
 * socket.on('reconnecting', (count: number) => console.log(`lost ${count} times`));
 * socket.on('resumed', () => console.log(`goes on; ${socket.roundTrip} ms to the relay`));
 * ```
 */
export class PuenteSocket extends Duplex {
  readonly #tunnel: Tunnel;
  /** Bytes in the stream's own buffer that the app is not yet known to have read. */
  #unread = 0;
  #wanted = false;
  #write: { rest: Uint8Array<ArrayBuffer>; done: Done } | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(runtime: Runtime, backend: string, options: DuplexOptions) {
    super({ allowHalfOpen: options.allowHalfOpen ?? false });
    this.#tunnel = new Tunnel(backend, options, runtime, {
      opened: () => {
        if (this.destroyed) return;
        this.emit('connect');
        this.emit('ready');
      },
      status: (status, count) => void this.emit(status, count),
      readable: () => this.#pull(),
      writable: () => this.#push(),
      ended: (error) => this.#end(error),
    });
  }

  /** Smoothed round trip to the relay in milliseconds, once one was measured. */
  get roundTrip(): number | undefined {
    return this.#tunnel.roundTrip;
  }

  override _read(): void {
    this.#wanted = true;
    this.#pull();
  }

  /** When the stream asks for more, the app has read the earlier bytes; not before. */
  #pull(): void {
    while (this.#wanted && !this.destroyed) {
      if (this.#unread > 0) this.#tunnel.consumed(this.#unread);
      this.#unread = 0;
      const bytes = this.#tunnel.take();
      if (!bytes) {
        if (this.#tunnel.drained) this.push(null);
        return;
      }
      this.#active();
      this.#unread = bytes.length;
      this.#wanted = this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    }
  }

  override _write(chunk: Buffer<ArrayBuffer>, _encoding: BufferEncoding, done: Done): void {
    this.#write = { rest: chunk, done };
    this.#push();
  }

  #push(): void {
    if (!this.#write) return;
    const { rest, done } = this.#write;
    const accepted = this.#tunnel.write(rest);
    if (accepted > 0) this.#active();
    if (accepted === rest.length) {
      this.#write = undefined;
      done();
    } else this.#write.rest = rest.subarray(accepted);
  }

  override _final(done: Done): void {
    this.#tunnel.finish();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    clearTimeout(this.#idle);
    const cut = this.#write;
    this.#write = undefined;
    // A write that the tunnel took whole is still delivered. A write that is cut resets the tunnel: the cut must not
    // look like the app's own end.
    if (error || cut) this.#tunnel.reset();
    else this.#tunnel.close();
    cut?.done(error);
    done(error);
  }

  #end(error: PuenteError | undefined): void {
    if (error) this.destroy(error);
  }

  // --- what users of a net.Socket call ------------------------------------------------------------------------------

  /** Emits `timeout` after `ms` milliseconds without a byte in either direction; 0 turns it off. */
  setTimeout(ms: number, listener?: () => void): this {
    clearTimeout(this.#idle);
    this.#idle = ms > 0 ? setTimeout(() => this.emit('timeout'), ms).unref() : undefined;
    if (listener) ms > 0 ? this.once('timeout', listener) : this.off('timeout', listener);
    return this;
  }

  #active(): void {
    this.#idle?.refresh();
  }

  /** A tunnel never waits to fill a packet. */
  setNoDelay(): this {
    return this;
  }

  /** A tunnel keeps itself alive. */
  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
