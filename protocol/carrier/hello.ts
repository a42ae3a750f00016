/**
 * The payloads of the handshake's two messages, and how message 1 travels in an upgrade request.
 *
 * Hello (message 1), every integer big-endian, strings UTF-8:
 *
 *     version u8 = 1   time u32 (seconds since 1970)   invite u8-length   kind u8
 *     kind 0, open:    options u8 (bit 0: resumable, please)   limit u64
 *                      backend u16-length string "host:port"   early data u16-length
 *     kind 1, resume:  options u8   limit u64   received u64   carrier u32   session id u8-length   MAC 32 bytes
 *     kind 2, check:   as kind 0, with no backend
 *     kind 3, status:  as kind 0, with no backend, and in the invite's place a token (status.ts)
 *     options' bit 1:  allowance u32
 *     padding: zeros to the end, of a random number
 *
 * Version, time and invite stay in their places in every version: a private relay checks them before it answers
 * anything.
 *
 * Grant (message 2), padded with zeros to a random length:
 *
 *     version u8 = 1   code u8
 *     code 0, granted: options u8 (bit 0: resumable)   received u64   limit u64
 *                      patience u16 (seconds)   session id u8-length
 *     other codes:     a refusal; nothing follows
 */
import { type Bytes, evenly, fromUtf8, Malformed, type RandomBytes, Reader, toUtf8, Writer } from '../bytes.ts';
import {
  BACKEND_CHARS_MAX,
  EARLY_DATA_MAX,
  GRANT_PAYLOAD_LIMITED,
  GRANT_PAYLOAD_MAX,
  GRANT_PAYLOAD_MIN,
  HELLO_MAX,
  HELLO_OVERHEAD,
  HELLO_PAD,
  HELLO_PAD_LIMITED,
  HELLO_PAD_RANDOM,
  INVITE_MAX,
  OFFER_CHARS_MAX,
  SESSION_ID_MAX,
} from '../limits.ts';

export const VERSION = 1;
const KINDS = ['open', 'resume', 'check', 'status'] as const;
/** Bits of the options. */
const RESUMABLE = 1;
const LIMITED = 2;
const MAC = 32;

/** The first fields of every version of a hello. */
interface HelloStart {
  /** Milliseconds since 1970. Travels in whole seconds. */
  time: number;
  /** Empty where the relay needs no invite. */
  invite: Bytes;
}

interface HelloCommon extends HelloStart {
  /** The highest offset that the relay may send. */
  limit: number;
  /**
   * What the relay may send on this carrier in a resumable session, in bytes as `Carrier` counts them. Infinity: as
   * much as it likes.
   */
  allowance: number;
}

export interface OpenHello extends HelloCommon {
  /**
   * To `check` and `status` the relay itself is the backend. It sends back what a check sends, and answers a status
   * with what it has counted.
   */
  kind: 'open' | 'check' | 'status';
  resumable: boolean;
  /** `host:port`; empty where the relay itself is the backend. */
  backend: string;
  earlyData: Bytes;
}

export interface ResumeHello extends HelloCommon {
  kind: 'resume';
  session: Bytes;
  /** The number of this carrier, higher than that of every carrier before it. */
  carrier: number;
  received: number;
  /** HMAC-SHA256 of this handshake's binding, under the session's secret. */
  mac: Bytes;
}

export type Hello = OpenHello | ResumeHello;

// --- message 1: the payload ---------------------------------------------------------------------------------------

const PAYLOAD_MAX = HELLO_MAX - HELLO_OVERHEAD;

/**
 * @param random chooses how much padding there is
 * @throws RangeError when a field is longer than its bound in `limits.ts`
 */
export function encodeHello(hello: Hello, random: RandomBytes): Bytes {
  const payload = new Uint8Array(PAYLOAD_MAX);
  const writer = new Writer(payload)
    .u8(VERSION)
    .u32(Math.floor(hello.time / 1000))
    .sized8(hello.invite, INVITE_MAX)
    .u8(KINDS.indexOf(hello.kind))
    .u8(optionsOf(hello));
  if (hello.kind === 'resume') encodeResume(writer, hello);
  else encodeOpen(writer, hello);
  if (hello.allowance !== Infinity) writer.u32(hello.allowance);
  return payload.subarray(0, paddedLength(writer.bytes.length, hello, random));
}

/**
 * The padded length of a hello with this many bytes of fields. The length must be random, and say little about the
 * backend's name.
 */
function paddedLength(fields: number, { kind, allowance }: Hello, random: RandomBytes): number {
  const whole = Math.min(roundUp(fields, HELLO_PAD), PAYLOAD_MAX);
  // A resume names no backend, so any length will do.
  if (kind === 'resume') return evenly(random, fields, whole);
  if (allowance === Infinity) return Math.min(evenly(random, whole, whole + HELLO_PAD_RANDOM), PAYLOAD_MAX);
  return evenly(random, Math.min(roundUp(fields, HELLO_PAD_LIMITED), whole), whole);
}

const roundUp = (length: number, step: number) => Math.ceil(length / step) * step;

function optionsOf(hello: Hello): number {
  const resumable = hello.kind !== 'resume' && hello.resumable;
  return (resumable ? RESUMABLE : 0) | (hello.allowance === Infinity ? 0 : LIMITED);
}

function encodeOpen(writer: Writer, { backend, limit, earlyData }: OpenHello): void {
  writer.u64(limit).sized16(toUtf8(backend), BACKEND_CHARS_MAX).sized16(earlyData, EARLY_DATA_MAX);
}

function encodeResume(writer: Writer, { session, carrier, received, limit, mac }: ResumeHello): void {
  writer.u64(limit).u64(received).u32(carrier).sized8(session, SESSION_ID_MAX).put(mac);
}

/** A hello of a version or kind that this relay does not know. */
export interface UnknownHello extends HelloStart {
  kind: 'unknown';
}

/**
 * The content of a hello. A hello of an unknown version or kind is still a hello: an old relay or client must differ
 * from a stranger.
 * @throws Malformed when the payload ends early or breaks a bound
 */
export function decodeHello(payload: Bytes): Hello | UnknownHello {
  const reader = new Reader(payload);
  const version = reader.u8();
  const start = { time: reader.u32() * 1000, invite: reader.sized8(INVITE_MAX) };
  const kind = KINDS[reader.u8()];
  if (version !== VERSION || !kind) return { kind: 'unknown', ...start };
  const options = reader.u8();
  const common = { ...start, limit: reader.u64() };
  const own =
    kind === 'resume'
      ? { kind, ...decodeResume(reader) }
      : { kind, resumable: (options & RESUMABLE) !== 0, ...decodeOpen(reader) };
  // An allowance of 0 is no allowance.
  const allowance = ((options & LIMITED) !== 0 && reader.u32()) || Infinity;
  return { ...common, ...own, allowance };
}

function decodeOpen(reader: Reader): Pick<OpenHello, 'backend' | 'earlyData'> {
  const backend = fromUtf8(reader.sized16(BACKEND_CHARS_MAX));
  const earlyData = reader.sized16(EARLY_DATA_MAX);
  return { backend, earlyData };
}

function decodeResume(reader: Reader): Pick<ResumeHello, 'received' | 'carrier' | 'session' | 'mac'> {
  const received = reader.u64();
  const carrier = reader.u32();
  const session = reader.sized8(SESSION_ID_MAX);
  const mac = reader.take(MAC);
  return { received, carrier, session, mac };
}

// --- message 1: the upgrade request -------------------------------------------------------------------------------

/** The two subprotocols of an upgrade request, as they are sent. */
export interface Offer {
  /** Proves that its sender has the link (permits/token.ts). The relay echoes it. */
  token: string;
  /** Message 1 in base64url. */
  hello: string;
}

/**
 * Both subprotocols in base64url, with a comma between them and spaces or tabs around them. A token has TOKEN_CHARS
 * characters and up to TOKEN_TAIL_MAX more. The hello's bounds are HELLO_OVERHEAD + 1 and HELLO_MAX bytes.
 */
const OFFER = /^[ \t]*([\w-]{16,111})[ \t]*,[ \t]*([\w-]{66,3983})[ \t]*$/;

/** Reads the `Sec-WebSocket-Protocol` header. `undefined` for any other form. Nothing is decoded. */
export function readOffer(header: string): Offer | undefined {
  if (header.length > OFFER_CHARS_MAX) return undefined;
  const [, token, hello] = OFFER.exec(header) ?? [];
  return token !== undefined && hello !== undefined ? { token, hello } : undefined;
}

// --- message 2 ----------------------------------------------------------------------------------------------------

export interface Granted {
  resumable: boolean;
  /** How many of the client's bytes the relay has in order: the early data, or where a resume goes on. */
  received: number;
  /** The highest offset that the client may send. */
  limit: number;
  /**
   * Milliseconds for which the relay keeps the session without a carrier, in whole seconds. 0 for a session that is not
   * resumable.
   */
  patience: number;
  /** Empty for a session that is not resumable. */
  session: Bytes;
}

/** A grant, or a refusal by its number: see `errors.ts`. */
export type Grant = Granted | { refusal: number };

/**
 * @param allowance the hello's allowance, which decides the greatest length
 * @param random chooses the length
 */
export function encodeGrant(grant: Grant, allowance: number, random: RandomBytes): Bytes {
  const most = allowance === Infinity ? GRANT_PAYLOAD_MAX : GRANT_PAYLOAD_LIMITED;
  const payload = new Uint8Array(evenly(random, GRANT_PAYLOAD_MIN, most));
  const writer = new Writer(payload).u8(VERSION);
  if ('refusal' in grant) writer.u8(grant.refusal);
  else
    writer
      .u8(0)
      .u8(grant.resumable ? RESUMABLE : 0)
      .u64(grant.received)
      .u64(grant.limit)
      .u16(grant.patience / 1000)
      .sized8(grant.session, SESSION_ID_MAX);
  return payload;
}

/** @throws Malformed when the payload ends early, is too long, has another version, or breaks a bound */
export function decodeGrant(payload: Bytes): Grant {
  if (payload.length > GRANT_PAYLOAD_MAX) throw new Malformed();
  const reader = new Reader(payload);
  if (reader.u8() !== VERSION) throw new Malformed();
  const refusal = reader.u8();
  if (refusal !== 0) return { refusal };
  return {
    resumable: (reader.u8() & RESUMABLE) !== 0,
    received: reader.u64(),
    limit: reader.u64(),
    patience: reader.u16() * 1000,
    session: reader.sized8(SESSION_ID_MAX),
  };
}
