/** The rules that are looked at: an id that stays, the section of docs/protocol.md, and one sentence. */

export type Side = 'client' | 'relay';

export interface Rule {
  /** Who has to keep it. */
  of: Side | 'both';
  section: string;
  says: string;
}

const both = (section: string, says: string): Rule => ({ of: 'both', section, says });
const client = (section: string, says: string): Rule => ({ of: 'client', section, says });
const relay = (section: string, says: string): Rule => ({ of: 'relay', section, says });

export const RULES = {
  // the hello, by a client
  'offer-form': client(
    '3',
    'The header MUST offer a token of 16 to 111 characters and a hello, in canonical base64url and within their bounds.',
  ),
  'offer-token': client('3', 'The first 16 characters of the token MUST be the HMAC of the hello.'),
  'hello-opens': client('4', 'Message 1 MUST open with the key of the link.'),
  'hello-fields': client(
    '5',
    'The payload MUST have the fields of its kind, with the backend and the invite that were given.',
  ),
  'hello-length': client('5', 'A payload MUST have the length that its fields and padding allow.'),
  'hello-fresh': client('4', 'Each attempt MUST have a new ephemeral secret.'),
  'hello-early': client('5', 'A hello MUST NOT carry early data other than what may safely arrive twice.'),
  'grant-wait': client('4', 'A client MUST send nothing on the WebSocket before it has the grant.'),
  'clock-once': client(
    '3',
    'After an answer with another time, a client MUST try once more only, by that time and with a new handshake.',
  ),
  'clock-day': client('3', 'A client MUST NOT follow a Date that is more than a day off.'),
  'stranger-final': client('3', 'A client that is answered as a stranger MUST end with an error.'),

  // the grant, at a client
  'grant-bad': client(
    '4',
    'At a grant that does not open or parse, a client MUST close the WebSocket and send nothing.',
  ),
  'grant-ignored': client(
    '6',
    'A client MUST take a grant of any length up to 255, and ignore its padding and unknown options.',
  ),
  'grant-offset': client('6', 'A client MUST answer a grant of more than it has sent with RESET bad-offset.'),
  'early-continue': client(
    '6',
    'A client MUST go on from the grant’s `received`, also where the relay took no early data.',
  ),
  'refusal-final': client(
    '6',
    'After a refusal, also an unknown one, a client MUST end with an error and send nothing.',
  ),
  'first-record': client('10', 'A client MUST send a record within 10 seconds of the grant.'),

  // admission, by a relay
  'token-echo': relay('3', 'A relay MUST answer a good hello with 101 and the token whole.'),
  'hello-ignored': relay('5', 'A relay MUST ignore a hello’s padding and unknown options.'),
  'unknown-refused': relay('16', 'A relay MUST refuse a hello of an unknown version or kind with `version`.'),
  'stranger-offer': relay('14', 'A request with a malformed header MUST be answered like any HTTP request.'),
  'stranger-token': relay('14', 'So MUST one with a wrong token.'),
  'stranger-hello': relay('14', 'So MUST one whose hello does not open.'),
  'stranger-payload': relay('14', 'So MUST one whose payload is malformed.'),
  'stranger-time': relay('14', 'So MUST one whose time is more than five minutes off.'),
  'stranger-replay': relay('14', 'So MUST one that repeats a hello.'),
  'stranger-permit': relay('14', 'So MUST one with a wrong invite at a private relay, or a wrong permit of a status.'),
  'stranger-mac': relay('14', 'So MUST a resume of a session that is there, with a wrong `mac`.'),
  'early-message': relay('4', 'A relay MUST end a carrier whose client sends before it can have the grant.'),
  'grant-form': relay(
    '6',
    'A grant MUST have a payload of 96 to 255 bytes, of 128 at most with an allowance, and valid fields.',
  ),
  'grant-option': relay('6', 'A relay MUST grant a resumable session only where the hello asks for one.'),
  'refusal-closes': relay('6', 'After a refusal a relay MUST close the WebSocket and send nothing.'),
  'backend-refused': relay('15', 'A relay MUST refuse a backend that is not on its list.'),
  'early-written': relay('5', 'A relay MUST write the early data that it acknowledges to the backend, once.'),
  'well-known': relay('B', 'The key that an open relay publishes MUST be that of its link.'),

  // records and frames
  'record-form': both(
    '7',
    'Each message after the grant MUST be one binary record of 16 to 65,535 bytes that opens at its counter.',
  ),
  'frames-form': both('8', 'A plaintext MUST be one or more whole frames of known types.'),
  'bad-record': both(
    '7',
    'A text, a message that is too short, and a record that does not open MUST be answered with RESET bad-record.',
  ),
  'bad-frame': both('8', 'A plaintext that is empty or no sequence of frames MUST be answered with RESET bad-frame.'),
  'bad-frame-whole': both('8', 'No frame of such a record MUST be applied.'),
  'pad-ignored': both('8', 'What is in a PAD MUST be ignored.'),

  // streams
  'stream-whole': both('9', 'What is written MUST arrive whole, in order, and once.'),
  'data-order': both('9', 'DATA MUST go on where the stream stands, or repeat the same bytes.'),
  'data-repeat': both('9', 'Bytes that have come before MUST be dropped.'),
  'data-empty': both('8', 'A DATA of length 0 MUST be taken, and delivers nothing.'),
  'bad-offset': both('9', 'DATA after a gap, or beyond the FIN, MUST be answered with RESET bad-offset.'),
  'bad-fin': both('9', 'A FIN at another offset than the stream’s end MUST be answered with RESET bad-offset.'),
  'fin-offset': both('9', 'FIN MUST stand at the end of the stream, and nothing beyond it.'),
  'fin-repeat': both('9', 'A repeated FIN MUST do nothing.'),

  // credit and ACK
  'credit-kept': both('9', 'A sender MUST NOT send DATA beyond the limit.'),
  'credit-fin': both('9', 'A full window MUST NOT hold back the FIN.'),
  'bad-credit': both('9', 'DATA beyond the limit MUST be answered with RESET bad-credit.'),
  'limit-kept': both('9', 'A limit MUST NOT be taken back.'),
  'limit-consumed': both('9', 'A limit MUST count only what the app, or the backend, has taken.'),
  'ack-true': both('9', 'An ACK MUST NOT be above what has been received.'),
  'ack-owed': both('9', 'What has been received MUST be acknowledged.'),
  'ack-fin': both('9', 'A FIN MUST be acknowledged, as the offset after it.'),
  'ack-lower': both('9', 'An ACK with smaller numbers than before MUST change nothing.'),
  'bad-ack': both('9', 'An ACK above what was sent MUST be answered with RESET bad-offset.'),

  // liveness
  'ping-answer': both('10', 'A PING MUST be answered with a PONG of its id.'),
  'pong-unknown': both('10', 'A PONG with an unknown id MUST be ignored.'),
  keepalive: relay('10', 'A relay MUST send a record at least every 30 seconds.'),
  silent: relay(
    '10',
    'A relay MUST reset with `silent` a client of which no record opens within 10 seconds of the grant.',
  ),

  // ends
  'half-close': both('11', 'After one direction’s FIN the other MUST go on.'),
  'end-early': both('11', 'An end MUST NOT close the WebSocket before it has completely ended, unless with a RESET.'),
  'end-closes': both('11', 'An end that has completely ended MUST close the WebSocket.'),
  'end-told': both(
    '11',
    'The app, or the backend, MUST be told of a FIN as an orderly end, and a complete end be none in error.',
  ),
  'end-order': both('7', 'Records that came before a close MUST be applied before it.'),
  'lost-error': client('11', 'A plain session whose carrier is lost MUST NOT look like a complete end.'),
  'plain-written': relay(
    '11',
    'What a relay has received of a plain session whose carrier is lost MUST still be written to the backend.',
  ),
  'stop-obeyed': both('11', 'The receiver of a STOP MUST finish its stream where it stands, at once.'),
  'stop-early': both('11', 'A STOP before its sender’s FIN MUST be answered with RESET bad-frame.'),
  'stop-twice': both('11', 'A second STOP MUST do nothing.'),
  'stop-fin': client('11', 'A STOP MUST NOT come before its sender’s FIN.'),
  'stop-counts': client('11', 'Who has stopped MUST go on to acknowledge what comes.'),
  'reset-obeyed': both('11', 'A RESET MUST end the session at its receiver, in both directions and with an error.'),
  'reset-unknown': both('11', 'A RESET with an unknown number MUST be taken as `aborted`.'),
  'reset-last': both('11', 'After a RESET its sender MUST send nothing.'),
  'reset-closes': both('11', 'The sender and the receiver of a RESET MUST close the WebSocket.'),
  'backend-reset': relay('15', 'A relay MUST reset with `backend-reset` when the backend’s connection breaks.'),

  // resuming
  'resume-replay': both('12', 'After a resume each end MUST go on from the peer’s `received`.'),
  'resume-fin': both('12', 'A FIN that was not acknowledged MUST be sent again on the next carrier.'),
  'resume-number': client(
    '12',
    'The number of a carrier MUST be above every one before it, also of those that failed.',
  ),
  'resume-mac': client('12', 'The `mac` of a resume MUST be that of the session’s secret and this handshake.'),
  'resume-offsets': client('12', 'A resume MUST say what has been received, and no less of a limit than before.'),
  'resume-first': client('12', 'On a carrier that resumes, a client MUST send its first record at once.'),
  'resume-final': client(
    '12',
    'After `session-unknown`, and after a bad grant, a client MUST end with an error, and not try again.',
  ),
  'resume-patience': client(
    '12',
    'A client MUST give up a session that was without a carrier for the relay’s patience.',
  ),
  'resume-grant': relay('12', 'The grant of a resume MUST say what the relay has received.'),
  'resume-unknown': relay(
    '12',
    'A relay MUST refuse to resume a session that it does not hold with `session-unknown`.',
  ),
  'resume-low': relay(
    '12',
    'A relay MUST refuse a carrier whose number is not above the highest with `session-unknown`.',
  ),
  'resume-moves': relay(
    '12',
    'A session MUST move with the first record on the next carrier, and the carrier before it be closed then.',
  ),
  'resume-ended': relay('12', 'A session that has ended MUST be told so to its client that resumes it.'),

  // paths that carry only so much
  'limited-kept': relay('A', 'A relay MUST keep to the allowance of a carrier.'),
  'limited-records': both(
    'A',
    'A record of a carrier with an allowance MUST have 1,300 stream bytes at most and no PAD.',
  ),
  'limited-hello': client('A', 'A hello with an allowance MUST have a token without a tail.'),

  // what a relay is the backend of
  'check-echo': relay('15', 'A check MUST send back exactly 65,536 bytes, and then FIN.'),
  'check-more': relay('15', 'At one byte more a check MUST be reset with `backend-reset`.'),
} as const satisfies Record<string, Rule>;

export type RuleId = keyof typeof RULES;

export const rulesOf = (side: Side): RuleId[] =>
  (Object.keys(RULES) as RuleId[]).filter((id) => [side, 'both'].includes(RULES[id].of));
