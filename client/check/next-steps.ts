/** What to do about each failure: one step for the person who sees it. */
import type { Code } from '../../protocol/errors.ts';

const OTHER_RELAY = 'Try another relay.';
const SAY_TO_VOLUNTEER = 'Tell whoever runs the relay.';
const SEEMS_BLOCKED = 'This relay seems to be blocked on this network: try another address.';
const BUG = 'Try again; if it stays so, report it: this should not happen.';
const AGAIN = 'Try again.';

export const NEXT_STEPS: Readonly<Record<Code, string>> = {
  version: 'Update the app; or whoever runs the relay has to update that.',
  'backend-not-allowed': 'Use a relay that is for this chat service.',
  'backend-down': 'Try again in a minute, then another relay: the chat service may be down, or refuse this relay.',
  full: OTHER_RELAY,
  'session-unknown': AGAIN,
  limited: 'Try again in a minute.',
  aborted: AGAIN,
  'backend-reset': AGAIN,
  'bad-record': BUG,
  'bad-frame': BUG,
  'bad-offset': BUG,
  'bad-credit': BUG,
  flood: BUG,
  silent: AGAIN,
  'key-exhausted': AGAIN,
  plaintext: 'Turn on encryption (TLS) in the app, and use the port that is for it.',
  idle: AGAIN,
  'carrier-lost': 'Try again; if it stays so, try another relay.',
  'not-admitted': 'Ask whoever gave you the link for a new one.',
  'bad-grant': 'Do not use this address: somebody answers in place of the relay.',
  unreachable:
    'See whether other sites open. If they do, this relay seems to be blocked on this network: try another address.',
  'name-unknown':
    'See whether other sites open. If they do, the name is mistyped or blocked here: try another address.',
  'name-forged': SEEMS_BLOCKED,
  refused: SEEMS_BLOCKED,
  'no-answer': SEEMS_BLOCKED,
  'name-blocked': SEEMS_BLOCKED,
  'not-trusted':
    'Do not go on: your network reads along or sends you elsewhere. Try another network or another address.',
  'over-quota': 'Try another relay, or this one after midnight UTC.',
  timeout: OTHER_RELAY,
  'no-key': 'Ask for the link of this relay, the one with a # in it.',
  'not-a-relay': 'See whether the link is the right one, and whole.',
  'wrong-key': 'Ask whoever runs the relay for its link of today, by a way that you trust.',
  'clock-off': 'Set the clock of this device.',
  'link-expired': 'Ask whoever gave you the link for a new one.',
  'backend-silent': 'Try again in a minute, then another relay: the chat service may be down, or ignore this relay.',
  'backend-strange': SAY_TO_VOLUNTEER,
  frozen: 'Puente moves to a next connection before that; pictures will be slow. Another address may be faster.',
  'link-invalid': 'Paste the link again, all of it.',
  'address-invalid': 'Write the chat server as host:port.',
  'config-invalid': SAY_TO_VOLUNTEER,
};
