/**
 * `docs/vectors.json`: every value of every message, made by this room's own codec of fixed secrets. In use every secret and
 * every padding is random.
 */
import { sized8, text, toBase64url, u8, u16, u32, u64 } from './codec/bytes.ts';
import { encodeFrames, type Frame } from './codec/frames.ts';
import { Initiator, type Keys, Responder } from './codec/handshake.ts';
import { checksum, encodeWord, formatLink, wordValues } from './codec/link.ts';
import { encodeGrant, encodeHello, type Grant, type Hello, NO_GRANT, padded, RESUMABLE } from './codec/payloads.ts';
import { inviteKeyOf, signInvite, statusKeyOf, tokenKeyOf, tokenOf } from './codec/permits.ts';
import { hmac, publicKeyOf, seal } from './codec/primitives.ts';

/** `length` bytes that count up from `first`. */
const counting = (first: number, length: number): Buffer<ArrayBuffer> =>
  Buffer.from(Array.from({ length }, (_, index) => first + index));

const SECRET = counting(0x00, 32);
const RELAY_KEY = publicKeyOf(SECRET);
const SESSION = counting(0xa0, 16);
/** 2026-12-01 00:00:00 UTC. */
const TIME = 1_796_083_200;
const BACKEND = 'chat.example.org:5223';
const NONE: Buffer = Buffer.alloc(0);

const INVITE = { id: counting(0x90, 6), expires: TIME + 86_400, sessions: 3, backends: '' };
const invite = signInvite(inviteKeyOf(SECRET), INVITE);
const PERMIT = { id: counting(0xc0, 6), expires: TIME + 600, sessions: 0, backends: '' };
const permit = signInvite(statusKeyOf(SECRET), PERMIT);

/** What is not bytes stays as it is. */
type Json = string | number | Buffer | readonly Json[] | { [name: string]: Json };

function invites(): Json {
  const limited = { id: counting(0xb0, 6), expires: TIME + 3600, sessions: 0, backends: BACKEND };
  const of = (key: Buffer, fields: typeof INVITE): Json => {
    const signed = signInvite(key, fields);
    return { key, fields, signed: signed.subarray(0, -16), mac: signed.subarray(-16), bytes: signed };
  };
  return {
    'of three sessions': of(inviteKeyOf(SECRET), INVITE),
    'to one backend': of(inviteKeyOf(SECRET), limited),
    'the permit of a status': of(statusKeyOf(SECRET), PERMIT),
  };
}

function links(): Json {
  const of = (address: string, held: Buffer): Json => ({
    address,
    key: RELAY_KEY,
    invite: held,
    values: wordValues(RELAY_KEY, held),
    checksum: checksum(wordValues(RELAY_KEY, held)),
    link: formatLink({ address, key: RELAY_KEY, invite: held }),
  });
  return {
    'without an invite': of('https://relay.example/', NONE),
    'with an invite': of('https://relay.example/', invite),
    'below a path': of('https://relay.example:8443/blog/', NONE),
  };
}

/** None of them reads. */
function wrongWords(): Json {
  const word = encodeWord(RELAY_KEY, NONE);
  const swapped = word.slice(0, 9) + word[10] + word[9] + word.slice(11);
  const other = checksum([2, ...wordValues(RELAY_KEY, NONE).slice(1)]);
  const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
  return {
    'two characters swapped': swapped,
    'a character missing': word.slice(0, -1),
    'a character that is none': `${word.slice(0, 20)}b${word.slice(21)}`,
    'another version': `z${word.slice(1, -6)}${other.map((value) => alphabet[value]).join('')}`,
    'a key too short': encodeWord(RELAY_KEY.subarray(0, 31), NONE),
  };
}

const plain = (backend: string, earlyData: Buffer) =>
  ({ version: 1, time: TIME, invite, allowance: 0, options: 0, limit: 32_768, backend, earlyData }) as const;

interface Handshake {
  hello: Hello;
  /** Of the payload. */
  padTo: number;
  tail: string;
  grant: Grant;
  grantPadTo: number;
}

const granted = { version: 1, code: 0, ...NO_GRANT, limit: 32_768 };

const HANDSHAKES: Record<string, Handshake> = {
  open: {
    hello: { kind: 'open', ...plain(BACKEND, Buffer.from('57410603', 'hex')) },
    padTo: 256,
    tail: '',
    grant: { ...granted, received: 4 },
    grantPadTo: 128,
  },
  'open, resumable': {
    hello: { kind: 'open', ...plain(BACKEND, NONE), options: RESUMABLE },
    padTo: 299,
    tail: 'a-tail_of_19_letters',
    grant: { ...granted, options: RESUMABLE, patience: 120, session: SESSION },
    grantPadTo: 213,
  },
  'open, refused': {
    hello: { kind: 'open', ...plain('elsewhere.example:1', NONE), invite: NONE },
    padTo: 300,
    tail: 'x',
    grant: { version: 1, code: 2, ...NO_GRANT },
    grantPadTo: 96,
  },
  check: {
    hello: { kind: 'check', ...plain('', NONE) },
    padTo: 256,
    tail: '',
    grant: granted,
    grantPadTo: 255,
  },
  status: {
    hello: { kind: 'status', ...plain('', NONE), invite: permit },
    padTo: 256,
    tail: '',
    grant: granted,
    grantPadTo: 97,
  },
};

/** A hello and its grant, and the keys that they lead to. */
function handshake(relay: Handshake, clientSecret: Buffer, relaySecret: Buffer): { values: Json; keys: Keys } {
  const { hello, tail, grant } = relay;
  const initiator = new Initiator(RELAY_KEY, clientSecret);
  const payload = padded(encodeHello(hello), relay.padTo);
  const message1 = initiator.message1(payload);
  const written = toBase64url(message1);
  const grantPayload = padded(encodeGrant(grant), relay.grantPadTo);
  const { message, keys } = new Responder(SECRET, message1).message2(grantPayload, relaySecret);
  initiator.message2(message);
  const token = tokenOf(RELAY_KEY, written) + tail;
  const values = {
    hello: { ...hello },
    'hello payload': payload,
    ec: clientSecret,
    EC: initiator.ephemeral,
    'message 1': message1,
    HELLO: written,
    TOKEN: token,
    'Sec-WebSocket-Protocol': `${token}, ${written}`,
    grant: { ...grant },
    'grant payload': grantPayload,
    er: relaySecret,
    ER: publicKeyOf(relaySecret),
    'message 2': message,
    steps: initiator.values,
  };
  return { values, keys };
}

const FRAMES: [name: string, from: 'client' | 'relay', frames: Frame[]][] = [
  [
    'the first record',
    'client',
    [
      { type: 'ack', received: 0, limit: 32_768 },
      { type: 'ping', id: 0xfeedbeef },
      { type: 'pad', bytes: Buffer.alloc(5) },
    ],
  ],
  ['its answer', 'relay', [{ type: 'pong', id: 0xfeedbeef }]],
  ['data', 'relay', [{ type: 'data', offset: 0, bytes: text('hello') }]],
  ['an acknowledgement', 'client', [{ type: 'ack', received: 5, limit: 32_773 }]],
  ['no data', 'client', [{ type: 'data', offset: 4, bytes: NONE }]],
  ['large offsets', 'client', [{ type: 'ack', received: 2 ** 53 - 1, limit: 2 ** 53 - 1 }]],
  ['the end of a stream', 'relay', [{ type: 'fin', offset: 5 }]],
  ['an app that has written all and reads no more', 'client', [{ type: 'fin', offset: 4 }, { type: 'stop' }]],
  ['a reset', 'relay', [{ type: 'reset', code: 17 }]],
];

function records(keys: Keys): Json {
  const counters = { client: 0, relay: 0 };
  return FRAMES.map(([name, from, frames]) => {
    const counter = counters[from]++;
    const plaintext = encodeFrames(frames);
    const record = seal(from === 'client' ? keys.kc : keys.kr, counter, NONE, plaintext);
    return { name, from, counter, frames, plaintext, record } as unknown as Json;
  });
}

/** Each is a `bad-frame`. */
function wrongPlaintexts(): Json {
  return {
    empty: NONE,
    'an unknown type': u8(8),
    'a DATA that ends early': Buffer.concat([u8(0), u64(0), u16(4), text('abc')]),
    'an ACK above 2^53 - 1': Buffer.concat([u8(1), Buffer.from('0020000000000000', 'hex'), u64(0)]),
    'a good frame before a bad one': Buffer.concat([encodeFrames([{ type: 'ping', id: 1 }]), u8(3)]),
  };
}

/** Their senders are strangers. */
function wrongHellos(): Json {
  const start = [u8(1), u32(TIME), sized8(NONE), u8(0), u8(0)];
  return {
    'it ends early': Buffer.concat(start),
    'a limit above 2^53 - 1': Buffer.concat([...start, Buffer.from('0020000000000000', 'hex'), u16(0), u16(0)]),
    'a backend of 260 bytes': Buffer.concat([...start, u64(0), u16(260), Buffer.alloc(260, 0x61), u16(0)]),
    'a backend that is not UTF-8': Buffer.concat([...start, u64(0), u16(1), u8(0xff), u16(0)]),
    'early data of 2305 bytes': Buffer.concat([...start, u64(0), u16(0), u16(2305), Buffer.alloc(2305)]),
  };
}

/** To each of them the client closes the WebSocket. */
function wrongGrants(): Json {
  const fields = encodeGrant(granted);
  return {
    'it ends early': fields.subarray(0, -1),
    'another version': padded(Buffer.concat([u8(2), fields.subarray(1)]), 128),
    'a session id of 65 bytes': Buffer.concat([fields.subarray(0, -1), u8(65), Buffer.alloc(65)]),
    'of 256 bytes': padded(fields, 256),
  };
}

export function vectors(): Json {
  const opened = Object.entries(HANDSHAKES).map(([name, spec], index) => {
    const { values, keys } = handshake(spec, counting(0x20 + index, 32), counting(0x40 + index, 32));
    return { name, values, keys };
  });
  const keysOf = (name: string) => opened.find((one) => one.name === name)?.keys as Keys;
  const { secret } = keysOf('open, resumable');
  const ec = counting(0x60, 32);
  const mac = hmac(secret, new Initiator(RELAY_KEY, ec).binding);
  const resume: Handshake = {
    hello: {
      kind: 'resume',
      version: 1,
      time: TIME + 60,
      invite,
      allowance: 6000,
      options: 0,
      limit: 32_773,
      received: 5,
      carrier: 1,
      session: SESSION,
      mac,
    },
    padTo: 200,
    tail: '',
    grant: { ...granted, options: RESUMABLE, received: 4, limit: 32_772, patience: 120, session: SESSION },
    grantPadTo: 101,
  };
  return {
    about:
      'Every value of every message of version 1, made of fixed secrets: docs/protocol.md says what each is. Bytes are in hexadecimal. "wrong" has what each reader must refuse. The resume is one of the session "open, resumable": its mac is made with that secret.',
    relay: {
      s: SECRET,
      S: RELAY_KEY,
      'token key': tokenKeyOf(RELAY_KEY),
      'invite key': inviteKeyOf(SECRET),
      'status key': statusKeyOf(SECRET),
      'well-known': JSON.stringify({ version: 1, key: toBase64url(RELAY_KEY) }),
    },
    invites: invites(),
    links: links(),
    handshakes: {
      ...Object.fromEntries(opened.map(({ name, values }) => [name, values])),
      resume: handshake(resume, ec, counting(0x80, 32)).values,
    },
    records: { keys: 'of the handshake "open"', of: records(keysOf('open')) },
    wrong: { words: wrongWords(), hellos: wrongHellos(), grants: wrongGrants(), plaintexts: wrongPlaintexts() },
  };
}

/** As the file has it. */
export function written(): string {
  const hexed = (value: Json): unknown => {
    if (Buffer.isBuffer(value)) return value.toString('hex');
    if (Array.isArray(value))
      return value.every((item) => typeof item === 'number') ? value.join(' ') : value.map(hexed);
    if (typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, hexed(of)]));
  };
  return `${JSON.stringify(hexed(vectors()), null, 2)}\n`;
}
