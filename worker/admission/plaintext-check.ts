/**
 * What an app's first bytes must look like before one of them reaches its backend, so that nothing is ever sent in plain
 * text by mistake. It guards against mistakes, not against malice.
 */
import { type Bytes, concat, EMPTY } from '../../protocol/bytes.ts';
import { PuenteError } from '../../protocol/errors.ts';

/** How a backend is spoken to: by TLS, by WhatsApp's handshake or TLS, or anyhow. */
export type Expectation = keyof typeof BEGINNINGS;

/** Any byte. */
const ANY = undefined;

/** A TLS record that holds a ClientHello (RFC 8446 sections 4 and 5.1): type 22, version 3.x, a length, message 1. */
const TLS = [22, 3, ANY, ANY, ANY, 1];

/** `WA`, or the routing info that may stand before it. */
const WHATSAPP = [
  [0x57, 0x41],
  [0x45, 0x44, 0, 1],
];

const BEGINNINGS = { tls: [TLS], whatsapp: [...WHATSAPP, TLS], any: [[]] };

export class PlaintextCheck {
  readonly #beginnings: readonly (readonly (number | undefined)[])[];
  /** Too few bytes to tell: at most five. */
  #held: Bytes = EMPTY;
  #passed = false;

  constructor(expects: Expectation) {
    this.#beginnings = BEGINNINGS[expects];
  }

  /**
   * What may go on to the backend: nothing until enough has come, then everything.
   * @throws PuenteError `plaintext`
   */
  pass(bytes: Bytes): Bytes {
    if (this.#passed) return bytes;
    const first = concat(this.#held, bytes);
    const possible = this.#beginnings.filter((beginning) =>
      beginning.every((byte, at) => byte === ANY || at >= first.length || byte === first[at]),
    );
    if (possible.length === 0) throw new PuenteError('plaintext');
    this.#passed = possible.some((beginning) => beginning.length <= first.length);
    this.#held = this.#passed ? EMPTY : first;
    return this.#passed ? first : EMPTY;
  }

  /**
   * The app sends no more.
   * @throws PuenteError `plaintext` when it broke off before it could be told what it speaks
   */
  end(): void {
    if (this.#held.length > 0) throw new PuenteError('plaintext');
  }
}
