/** Every failure has one stable code. The sentence for each code is in `sentences.ts`. */

/** The codes that travel: in a grant as a refusal, in a RESET as the reason. Never reuse a number. */
export const TRAVELLING = {
  // refusals
  version: 1,
  'backend-not-allowed': 2,
  'backend-down': 3,
  full: 4,
  'session-unknown': 5,
  limited: 6,
  // resets
  aborted: 17,
  'backend-reset': 18,
  'bad-record': 19,
  'bad-frame': 20,
  'bad-offset': 21,
  'bad-credit': 22,
  flood: 23,
  silent: 24,
  'key-exhausted': 25,
  plaintext: 26,
  idle: 27,
} as const satisfies Record<string, number>;

/** Why something failed. The meaning of each code is in `puente/sentences`. New versions may add codes. */
export type Code =
  | keyof typeof TRAVELLING
  // known to one end only
  | 'carrier-lost'
  | 'not-admitted'
  | 'bad-grant'
  | 'unreachable'
  // more precise than `unreachable`, where the runtime tells more
  | 'name-unknown'
  | 'name-forged'
  | 'refused'
  | 'no-answer'
  | 'name-blocked'
  | 'not-trusted'
  | 'over-quota'
  | 'timeout'
  | 'no-key'
  // reported by a check
  | 'not-a-relay'
  | 'wrong-key'
  | 'clock-off'
  | 'link-expired'
  | 'backend-silent'
  | 'backend-strange'
  | 'frozen'
  | 'link-invalid'
  | 'address-invalid'
  | 'config-invalid';

/** What is wrong with something that an app or a person has given. In a message it follows the code's own sentence. */
export type Detail =
  | 'not-a-url'
  | 'not-https'
  | 'more-than-path'
  | 'word-mistyped'
  | 'word-newer'
  | 'not-a-key'
  | 'list-empty'
  | 'list-too-long'
  | 'not-a-list'
  | 'not-host-port'
  | 'host-too-long'
  | 'port-out-of-range'
  | 'is-closed';

const numbers: Partial<Record<Code, number>> = TRAVELLING;

/**
 * The base of every error that Puente throws or gives to an app. Its message is a sentence in Node, and in a page that
 * imports `puente/sentences`. Elsewhere its message is the code.
 *
 * @example
 * ```ts
 * if (error instanceof PuenteError && error.code === 'backend-down') tryAnotherBackend();
 * ```
 */
export class PuenteError extends Error {
  override readonly name = 'PuenteError';
  /** Stable: branch on this, never on the message. */
  readonly code: Code;

  /** @param detail what is wrong here, when the code's own sentence is not enough; never a secret. */
  constructor(code: Code, detail?: Detail | Words) {
    super(detail ? `${inWords(code)} ${inWords(detail)}` : inWords(code));
    this.code = code;
  }
}

type Words = `${string} ${string}`;

let sentences: Readonly<Record<string, string>> = {};
const inWords = (word: string): string => sentences[word] ?? word;

/**
 * Makes the messages of errors sentences, from this call on. A page that shows its own words does not call this, and
 * saves 0.8 KiB.
 */
export function speak(words: Readonly<Record<Code | Detail, string>>): void {
  sentences = words;
}

/**
 * The number of a code that may travel.
 * @throws TypeError for a code that does not travel
 */
export function toWire(code: Code): number {
  const wire = numbers[code];
  if (!wire) throw new TypeError(`${code} does not travel`);
  return wire;
}

const byNumber = new Map(Object.entries(TRAVELLING).map(([code, wire]) => [wire as number, code as Code]));

/** Numbers below this are refusals, the others resets. */
const FIRST_RESET = 16;

/** The code of a number in a grant; `undefined` for a number that is no refusal, or that this version does not know. */
export function refusalOf(wire: number): Code | undefined {
  return wire < FIRST_RESET ? byNumber.get(wire) : undefined;
}

/** The code of a number in a RESET; `undefined` for a number that is no reset, or that this version does not know. */
export function resetOf(wire: number): Code | undefined {
  return wire >= FIRST_RESET ? byNumber.get(wire) : undefined;
}
