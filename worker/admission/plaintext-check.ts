/**
 * Checks how an app's first bytes look before one of them reaches the backend. The check makes sure that an app never
 * sends plain text by mistake. It guards against mistakes, not against malice.
 */
import { type Bytes, concat, EMPTY } from '../../protocol/bytes.ts';
import { PuenteError } from '../../protocol/errors.ts';

/** How an app speaks to a backend. `tls`: TLS. `whatsapp`: WhatsApp's handshake or TLS. `any`: in any way. */
export type Expectation = keyof typeof BEGINNINGS;

/** Any byte. */
const ANY = undefined;

/** A TLS record that holds a ClientHello (RFC 8446 sections 4 and 5.1): type 22, version 3.x, a length, message 1. */
const TLS = [22, 3, ANY, ANY, ANY, 1];

/** `WA`, or the routing info that may come before `WA`. */
const WHATSAPP = [
  [0x57, 0x41],
  [0x45, 0x44, 0, 1],
];

const BEGINNINGS = { tls: [TLS], whatsapp: [...WHATSAPP, TLS], any: [[]] };

export class PlaintextCheck {
  readonly #beginnings: readonly (readonly (number | undefined)[])[];
  /** Bytes that are too few to decide: at most five. */
  #held: Bytes = EMPTY;
  #passed = false;

  constructor(expects: Expectation) {
    this.#beginnings = BEGINNINGS[expects];
  }

  /**
   * Returns the bytes that may go to the backend: none until enough bytes have come to decide, then all of them.
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
   * Reports that the app sends no more.
   * @throws PuenteError `plaintext` if the app broke off before its bytes showed which protocol it speaks
   */
  end(): void {
    if (this.#held.length > 0) throw new PuenteError('plaintext');
  }
}
