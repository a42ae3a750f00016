/** What each failure means, as the message of its error. Importing this is what makes messages of them. */
import { type Code, speak } from './errors.ts';

export const SENTENCES: Readonly<Record<Code, string>> = {
  version: 'The relay does not speak this version of the protocol.',
  'backend-not-allowed': 'The relay does not carry connections to this backend.',
  'backend-down': 'The backend does not resolve, refuses, or does not answer.',
  full: 'The relay has no room for another session.',
  'session-unknown': 'The relay does not hold this session (any more).',
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
  'carrier-lost': 'The connection to the relay was lost.',
  'not-admitted': 'The host answers, but not as a relay: wrong key, wrong clock, no invite, or no relay there.',
  'bad-grant': 'The answer to the hello is not one that the holder of the key in the link could give.',
  unreachable: 'The relay could not be reached.',
  timeout: 'The relay did not grant a session in time.',
  'no-key': 'The host publishes no key: it is not an open relay. If it is a relay, use its link.',
  'link-invalid': 'This is neither a link nor the address of a relay.',
  'address-invalid': 'This is not the address of a backend.',
  'config-invalid': 'The configuration cannot be used.',
};

speak(SENTENCES);
