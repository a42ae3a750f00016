/** Takes bytes that come in pieces in the lengths that a protocol asks for. */
import { type Bytes, concat, EMPTY } from 'puente/bytes';

export class Incoming {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #held: Bytes = EMPTY;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Takes exactly `length` bytes; nothing when the stream ends before them. */
  async take(length: number): Promise<Bytes | undefined> {
    if (length <= this.#held.length) return this.#split(this.#held, length);
    const pieces = [this.#held];
    let missing = length - this.#held.length;
    while (missing > 0) {
      const { done, value } = await this.#pieces.next();
      if (done) return undefined;
      pieces.push(value as Bytes);
      missing -= value.length;
    }
    // Join the pieces once: otherwise a long packet in small pieces would be copied for each piece.
    return this.#split(concat(...pieces), length);
  }

  #split(bytes: Bytes, length: number): Bytes {
    this.#held = bytes.subarray(length);
    return bytes.subarray(0, length);
  }
}
