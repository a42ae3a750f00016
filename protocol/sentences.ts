/** What each failure means, as the message of its error. Importing this is what makes messages of them. */
import { type Code, speak } from './errors.ts';

/** What is wrong with what an app or a person has given, after the failure's own sentence. */
const DETAILS = {
  'not-a-url': 'It must look like https://host/#k=… or host.',
  'not-https': 'It must begin with https:// (http:// is for loopback only).',
  'more-than-host': 'Between the host and the # there must be nothing but a slash.',
  'k-mistyped': 'Its k= is cut short or mistyped.',
  'i-mistyped': 'Its i= is cut short or mistyped.',
  'k-missing': 'It has an invite (i=) but no key (k=).',
  'k-no-key': 'Its k= is not a key.',
  'list-empty': 'There is no relay in the list.',
  'list-too-long': 'The list is too long.',
  'not-a-list': 'What is there is not a list of relays.',
  'not-host-port': 'It must be host:port.',
  'host-too-long': 'Its host is too long for a DNS name.',
  'port-out-of-range': 'Its port must be 1 to 65535.',
  'is-closed': 'It is closed.',
} as const;

export type Detail = keyof typeof DETAILS;

export const SENTENCES: Readonly<Record<Code, string>> = {
  version: 'The relay does not speak this version of the protocol.',
  'backend-not-allowed': 'The relay does not carry connections to this backend.',
  'backend-down': 'The backend does not resolve, refuses, or does not answer.',
  full: 'The relay has no room for another session.',
  'session-unknown': 'The relay does not hold this session (any more).',
  limited:
    'The invite is in use as often as it may be, or too much went wrong or was tried from here in the last minute.',
  closed: 'The peer has closed its socket and reads no more.',
  aborted: 'The app gave up its socket.',
  'backend-reset': 'The backend broke its connection.',
  'bad-record': 'A record is too long, not binary, or does not open.',
  'bad-frame': 'A frame does not parse.',
  'bad-offset': 'A frame names an offset that cannot be.',
  'bad-credit': 'Data came past the limit that was granted.',
  flood: 'Records came faster than they can be opened, beyond any credit.',
  silent: 'The client sent nothing after the grant.',
  'key-exhausted': 'A key has sealed as many records as it may.',
  plaintext: 'The app does not encrypt as this backend must be spoken to: nothing of it was passed on.',
  idle: 'Nothing was said for too long.',
  'carrier-lost': 'The connection to the relay was lost.',
  'not-admitted': 'The host answers, but not as a relay: wrong key, wrong clock, no invite, or no relay there.',
  'bad-grant': 'The answer to the hello is not one that the holder of the key in the link could give.',
  unreachable: 'The relay could not be reached.',
  'name-unknown': 'The name of the relay does not resolve.',
  'name-forged': 'The name of the relay leads to an address that no host on the Internet has: the answer is forged.',
  refused: 'The address of the relay refuses connections.',
  'no-answer': 'Nothing answers at the address of the relay.',
  'name-blocked': 'The connection is cut, or goes silent, once it has said the name of the relay.',
  'not-trusted': 'Somebody else answers in place of the relay, or reads along: the certificate cannot be trusted.',
  'over-quota': 'The account of the relay has used up what it may take today.',
  timeout: 'The relay did not grant a session in time.',
  'no-key': 'The host publishes no key: it is not an open relay. If it is a relay, use its link.',
  'not-a-relay': 'A website answers there, and no relay that is open to all; this link has no invite to a private one.',
  'wrong-key': 'The relay has another key than this link.',
  'clock-off': 'The clock of this device is wrong.',
  'link-expired': 'The invite in this link has expired.',
  'backend-silent': 'The backend took the connection and answered nothing.',
  'backend-strange': 'What answers in place of the backend does not speak its language.',
  frozen: 'The network stops a connection to the relay once it has carried a little.',
  'link-invalid': 'This is neither a link nor the address of a relay.',
  'address-invalid': 'This is not the address of a backend.',
  'config-invalid': 'The configuration cannot be used.',
};

speak({ ...SENTENCES, ...DETAILS });
