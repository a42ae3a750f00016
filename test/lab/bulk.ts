/** Known bytes in bulk, both ways at once, between a stream and a TCP server. */
import { type Duplex, Readable } from 'node:stream';
import { KnownBytes, KnownBytesCheck } from '../support/fixtures/bytes.ts';
import { startBackend } from '../support/servers/backend.ts';
import type { Delivery } from './delivery.ts';

export interface Bulk {
  /** Of the server: streams are to lead here. */
  port: number;
  /** One at a time. @param deadline milliseconds */
  transfer(stream: Duplex, deadline?: number): Promise<Delivery>;
  close(): Promise<void>;
}

const PIECE = 64 * 1024;
/** What the two ends send. */
const FROM_CLIENT = 1;
const FROM_SERVER = 2;

/** @param length bytes each way */
export async function startBulk(length: number): Promise<Bulk> {
  let current = new Transfer(length);
  const backend = await startBackend((socket) => current.join(socket, FROM_SERVER, FROM_CLIENT));
  return {
    port: backend.port,
    async transfer(stream, deadline = 20_000) {
      current.join(stream, FROM_CLIENT, FROM_SERVER);
      try {
        return await current.end(deadline);
      } finally {
        current = new Transfer(length);
      }
    },
    close: () => backend.close(),
  };
}

class Transfer {
  readonly #length: number;
  readonly #over = Promise.withResolvers<void>();
  readonly #streams = new Map<Duplex, number>();
  #delivered = 0;
  #duplicated = 0;

  constructor(length: number) {
    this.#length = length;
  }

  join(stream: Duplex, sends: number, expects: number): void {
    // A second connection to the server: whatever comes over it has come before.
    const isSecond = [...this.#streams.values()].includes(sends);
    this.#streams.set(stream, sends);
    stream.on('error', () => {});
    stream.on('close', () => {
      if ([...this.#streams.keys()].every(({ closed }) => closed)) this.#over.resolve();
    });
    // A half-open socket that has sent all would never hear that the other end is gone.
    stream.on('end', () => stream.end());
    const check = new KnownBytesCheck(expects);
    stream.on('data', (bytes: Buffer) => {
      const fresh = isSecond ? 0 : Math.min(bytes.length, this.#length - check.length);
      this.#duplicated += bytes.length - fresh;
      this.#delivered += fresh;
      try {
        check.feed(bytes.subarray(0, fresh));
      } catch (error) {
        this.#over.reject(error);
      }
      // Not before: some relays do not let one end finish while the other goes on.
      if (this.#delivered === 2 * this.#length) for (const end of this.#streams.keys()) end.end();
    });
    if (!isSecond) Readable.from(pieces(sends, this.#length)).pipe(stream, { end: false });
  }

  async end(deadline: number): Promise<Delivery> {
    const timer = setTimeout(this.#over.resolve, deadline);
    try {
      await this.#over.promise;
    } finally {
      clearTimeout(timer);
      for (const stream of this.#streams.keys()) stream.destroy();
    }
    return { delivered: this.#delivered, lost: 2 * this.#length - this.#delivered, duplicated: this.#duplicated };
  }
}

function* pieces(seed: number, length: number): Generator<Buffer> {
  const bytes = new KnownBytes(seed);
  for (let left = length; left > 0; left -= PIECE) yield bytes.next(Math.min(left, PIECE));
}
