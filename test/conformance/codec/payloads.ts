/** What the two messages of the handshake hold (sections 5 and 6). */
import { randomInt } from 'node:crypto';
import { Malformed, Reader, sized8, sized16, text, u8, u16, u32, u64, utf8 } from './bytes.ts';

/** Bytes of a message 1 beside its payload. */
export const HELLO_OVERHEAD = 48;
const HELLO_PAD = 256;
const HELLO_PAD_RANDOM = 63;
const HELLO_PAD_LIMITED = 64;
const BACKEND_MAX = 259;
const EARLY_DATA_MAX = 2304;
const SESSION_ID_MAX = 64;

/** Bits of the options. */
export const RESUMABLE = 1;
const LIMITED = 2;

interface HelloStart {
  version: number;
  /** Seconds since 1970. */
  time: number;
  /** Of a status: its permit. */
  invite: Buffer;
  /** What the relay may send on this carrier; 0: as much as it likes. Sets its bit of the options. */
  allowance: number;
  options: number;
  limit: number;
}

export interface OpenHello extends HelloStart {
  kind: 'open' | 'check' | 'status';
  backend: string;
  earlyData: Buffer;
}

export interface ResumeHello extends HelloStart {
  kind: 'resume';
  received: number;
  carrier: number;
  session: Buffer;
  mac: Buffer;
}

export type Hello = OpenHello | ResumeHello;

export const KINDS = ['open', 'resume', 'check', 'status'] as const;

/** Without its padding. */
export function encodeHello(hello: Hello): Buffer {
  const start = [u8(hello.version), u32(hello.time), sized8(hello.invite), u8(KINDS.indexOf(hello.kind))];
  const isLimited = hello.allowance !== 0;
  const common = [u8(hello.options | (isLimited ? LIMITED : 0)), u64(hello.limit)];
  const rest =
    hello.kind === 'resume'
      ? [u64(hello.received), u32(hello.carrier), sized8(hello.session), hello.mac]
      : [sized16(text(hello.backend)), sized16(hello.earlyData)];
  return Buffer.concat([...start, ...common, ...rest, ...(isLimited ? [u32(hello.allowance)] : [])]);
}

/** @throws Malformed where it is none of version 1 */
export function decodeHello(payload: Buffer): Hello {
  const reader = new Reader(payload);
  const [version, time, invite, kind] = [reader.u8(), reader.u32(), reader.sized8(), KINDS[reader.u8()]];
  if (version !== 1 || kind === undefined) throw new Malformed('its version or kind is unknown');
  const common = { version, time, invite, options: reader.u8(), limit: reader.u64() };
  const own =
    kind === 'resume'
      ? {
          kind,
          received: reader.u64(),
          carrier: reader.u32(),
          session: reader.sized8(SESSION_ID_MAX),
          mac: reader.take(32),
        }
      : { kind, backend: utf8(reader.sized16(BACKEND_MAX)), earlyData: reader.sized16(EARLY_DATA_MAX) };
  return { ...common, ...own, allowance: (common.options & LIMITED) === 0 ? 0 : reader.u32() };
}

/** The lengths that a hello with these fields may have. */
export function helloLengths(hello: Hello, most: number): { least: number; most: number } {
  const fields = encodeHello(hello).length;
  const rounded = Math.ceil(fields / HELLO_PAD) * HELLO_PAD;
  if (hello.kind === 'resume') return { least: fields, most: Math.min(rounded, most) };
  const part = Math.ceil(fields / HELLO_PAD_LIMITED) * HELLO_PAD_LIMITED;
  if (hello.allowance !== 0) return { least: Math.min(part, most), most: Math.min(rounded, most) };
  return { least: Math.min(rounded, most), most: Math.min(rounded + HELLO_PAD_RANDOM, most) };
}

/** A hello with padding of a length at random. */
export function paddedHello(hello: Hello, most: number): Buffer {
  const lengths = helloLengths(hello, most);
  return padded(encodeHello(hello), randomInt(lengths.least, lengths.most + 1));
}

export function padded(fields: Buffer, length: number): Buffer {
  return Buffer.concat([fields, Buffer.alloc(Math.max(0, length - fields.length))]);
}

export interface Grant {
  version: number;
  /** 0, or why it is refused; then nothing else counts. */
  code: number;
  options: number;
  received: number;
  limit: number;
  /** Seconds that a session is kept without a carrier. */
  patience: number;
  session: Buffer;
}

export const GRANT_MIN = 96;
export const GRANT_MAX = 255;
export const GRANT_LIMITED = 128;

export const NO_GRANT = { options: 0, received: 0, limit: 0, patience: 0, session: Buffer.alloc(0) };

/** Without its padding. */
export function encodeGrant(grant: Grant): Buffer {
  const { version, code, options, received, limit, patience, session } = grant;
  if (code !== 0) return Buffer.of(version, code);
  return Buffer.concat([Buffer.of(version, code, options), u64(received), u64(limit), u16(patience), sized8(session)]);
}

/** @param allowance that of the hello */
export function paddedGrant(grant: Grant, allowance: number): Buffer {
  return padded(encodeGrant(grant), randomInt(GRANT_MIN, (allowance === 0 ? GRANT_MAX : GRANT_LIMITED) + 1));
}

/** @throws Malformed where it is none of version 1 */
export function decodeGrant(payload: Buffer): Grant {
  const reader = new Reader(payload);
  const [version, code] = [reader.u8(), reader.u8()];
  if (version !== 1) throw new Malformed(`its version is ${version}`);
  if (payload.length > GRANT_MAX) throw new Malformed(`it has ${payload.length} bytes`);
  if (code !== 0) return { version, code, ...NO_GRANT };
  const [options, received, limit, patience] = [reader.u8(), reader.u64(), reader.u64(), reader.u16()];
  return { version, code, options, received, limit, patience, session: reader.sized8(SESSION_ID_MAX) };
}
