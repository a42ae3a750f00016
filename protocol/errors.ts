/**
 * Every failure has one stable code. Those with a number travel: in a grant as a refusal, in a RESET as the reason.
 * A number is never reused.
 */
export const FAILURES = {
  // refusals
  version: [1, 'The relay does not speak this version of the protocol.'],
  'backend-not-allowed': [2, 'The relay does not carry connections to this backend.'],
  'backend-down': [3, 'The backend does not resolve, refuses, or does not answer.'],
  full: [4, 'The relay has no room for another session.'],
  'session-unknown': [5, 'The relay does not hold this session (any more).'],
  // resets
  closed: [16, 'The peer has closed its socket and reads no more.'],
  aborted: [17, 'The app gave up its socket.'],
  'backend-reset': [18, 'The backend broke its connection.'],
  'bad-record': [19, 'A record is too long, not binary, or does not open.'],
  'bad-frame': [20, 'A frame does not parse.'],
  'bad-offset': [21, 'A frame names an offset that cannot be.'],
  'bad-credit': [22, 'Data came past the limit that was granted.'],
  flood: [23, 'Records came faster than they can be opened, beyond any credit.'],
  silent: [24, 'The client sent nothing after the grant.'],
  'key-exhausted': [25, 'A key has sealed as many records as it may.'],
  // known to one end only
  'carrier-lost': [0, 'The connection to the relay was lost.'],
  'not-admitted': [0, 'The host answers, but not as a relay: wrong key, wrong clock, no invite, or no relay there.'],
  'bad-grant': [0, 'The answer to the hello is not one that the holder of the key in the link could give.'],
  unreachable: [0, 'The relay could not be reached.'],
  timeout: [0, 'The relay did not grant a session in time.'],
  'no-key': [0, 'The host publishes no key: it is not an open relay. If it is a relay, use its link.'],
  'link-invalid': [0, 'This is neither a link nor the address of a relay.'],
  'address-invalid': [0, 'This is not the address of a backend.'],
  'config-invalid': [0, 'The configuration cannot be used.'],
} as const satisfies Record<string, readonly [wire: number, sentence: string]>;

export type Code = keyof typeof FAILURES;

/** The base of every error that Puente throws or gives to an app. */
export class PuenteError extends Error {
  override readonly name = 'PuenteError';
  /** Stable: branch on this, never on the message. */
  readonly code: Code;

  /** @param detail what is wrong here, when the code's own sentence is not enough; never a secret. */
  constructor(code: Code, detail?: string) {
    super(detail ? `${FAILURES[code][1]} ${detail}` : FAILURES[code][1]);
    this.code = code;
  }
}

/** The number of a code that may travel. */
export function toWire(code: Code): number {
  const wire = FAILURES[code][0];
  if (wire === 0) throw new TypeError(`${code} is not for the wire`);
  return wire;
}

const byNumber = new Map(Object.entries(FAILURES).map(([code, [wire]]) => [wire as number, code as Code]));

/** Numbers below this are refusals, the others resets. */
const FIRST_RESET = 16;

/** The code of a number in a grant; `undefined` for one that is no refusal, or that this version does not know. */
export function refusalOf(wire: number): Code | undefined {
  return wire > 0 && wire < FIRST_RESET ? byNumber.get(wire) : undefined;
}

/** The code of a number in a RESET; `undefined` for one that is none, or that this version does not know. */
export function resetOf(wire: number): Code | undefined {
  return wire >= FIRST_RESET ? byNumber.get(wire) : undefined;
}
