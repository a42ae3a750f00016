/** What lets somebody in: the token of an offer (section 3), invites and the permit of a status (section 13). */
import { randomInt } from 'node:crypto';
import { Malformed, Reader, sized8, text, toBase64url, u8, u16, u32, utf8 } from './bytes.ts';
import { hmac } from './primitives.ts';

/** Characters of a token that are proved, and of its tail at most. */
export const TOKEN = 16;
export const TAIL_MAX = 95;
const TOKEN_BYTES = 12;

export const tokenKeyOf = (relayKey: Buffer): Buffer => hmac(relayKey, text('puente/1 token'));

/** @param hello message 1 in base64url */
export function tokenOf(relayKey: Buffer, hello: string): string {
  return toBase64url(hmac(tokenKeyOf(relayKey), text(hello)).subarray(0, TOKEN_BYTES));
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Of a length at random. */
export const randomTail = (length = randomInt(TAIL_MAX + 1)): string =>
  Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');

export interface Invite {
  id: Buffer;
  /** Seconds since 1970. */
  expires: number;
  sessions: number;
  backends: string;
}

const MAC = 16;

export const inviteKeyOf = (relaySecret: Buffer): Buffer => hmac(relaySecret, text('puente/1 invites'));
/** A permit has the layout of an invite, with no backends. */
export const statusKeyOf = (relaySecret: Buffer): Buffer => hmac(relaySecret, text('puente/1 status'));

export function signInvite(key: Buffer, { id, expires, sessions, backends }: Invite): Buffer {
  const fields = Buffer.concat([u8(1), id, u32(expires), u16(sessions), sized8(text(backends))]);
  return Buffer.concat([fields, hmac(key, fields).subarray(0, MAC)]);
}

/** @throws Malformed where this key has not signed it */
export function openInvite(key: Buffer, invite: Buffer): Invite {
  const [fields, mac] = [invite.subarray(0, -MAC), invite.subarray(-MAC)];
  if (!hmac(key, fields).subarray(0, MAC).equals(mac)) throw new Malformed('its mac is wrong');
  const reader = new Reader(fields);
  if (reader.u8() !== 1) throw new Malformed('its version is unknown');
  const opened = { id: reader.take(6), expires: reader.u32(), sessions: reader.u16(), backends: utf8(reader.sized8()) };
  if (reader.left !== 0) throw new Malformed('it goes on');
  return opened;
}
