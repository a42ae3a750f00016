/** The app beyond the subject: the streams of a client's command, or the connection to a relay's backend. */
import type { Readable, Writable } from 'node:stream';

export class App {
  readonly #input: Writable;
  readonly #output: Readable;
  readonly #parts: Buffer[] = [];
  length = 0;
  /** The subject has finished its stream. */
  isEnded = false;
  isClosed = false;

  constructor(input: Writable, output: Readable) {
    this.#input = input;
    this.#output = output;
    output.on('data', (bytes: Buffer) => {
      this.#parts.push(bytes);
      this.length += bytes.length;
    });
    output.on('end', () => {
      this.isEnded = true;
    });
    output.on('close', () => {
      this.isClosed = true;
    });
    // Whoever is broken, or has been stopped, hears no more.
    input.on('error', () => {});
    output.on('error', () => {});
  }

  /** What has come so far. */
  get got(): Buffer {
    return Buffer.concat(this.#parts);
  }

  write(bytes: Buffer): void {
    this.#input.write(bytes);
  }

  end(): void {
    this.#input.end();
  }

  /** Reads no more, until `resume`. */
  pause(): void {
    this.#output.pause();
  }

  resume(): void {
    this.#output.resume();
  }

  /** Reads no more. */
  stop(): void {
    this.#output.destroy();
  }
}
