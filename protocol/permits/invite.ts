/**
 * An invite lets a client into a private relay. The relay signs invites under a key that it derives from its own, so it
 * stores none. To a client an invite is bytes from its link.
 *
 *     version u8 = 1   id 6 bytes   expires u32 (seconds since 1970)   sessions u16 (0: any number)
 *     backends u8-length string, as in BACKENDS (empty: all of the relay's)   MAC 16 bytes
 *
 * The MAC is HMAC-SHA256 over everything before it, cut to 128 bits (RFC 2104 section 5).
 */
import { type Bytes, concat, equal, fromUtf8, Malformed, Reader, toUtf8, Writer } from '../bytes.ts';
import type { Cipher } from '../carrier/cipher.ts';
import { INVITE_BACKENDS_MAX, INVITE_ID, INVITE_MAC, INVITE_MAX } from '../limits.ts';

const VERSION = 1;
const LABEL = toUtf8('puente/1 invites');

export interface Invite {
  /** Random. `REVOKED` lists ids, in base64url. */
  id: Bytes;
  /** Milliseconds since 1970, in whole seconds. */
  expires: number;
  /** Sessions at a time, 1 to 65,535; 0: any number. */
  sessions: number;
  /** Entries of the relay's `BACKENDS`, in the same form; empty: all of them. */
  backends: string;
}

/** The key that signs the invites of this relay. */
export async function inviteKeyOf(cipher: Cipher, relaySecret: Bytes): Promise<Bytes> {
  return cipher.hmac(relaySecret, LABEL);
}

/** @throws RangeError when the backends take more than INVITE_BACKENDS_MAX bytes */
export async function signInvite(cipher: Cipher, key: Bytes, invite: Invite): Promise<Bytes> {
  const { bytes } = new Writer(new Uint8Array(INVITE_MAX))
    .u8(VERSION)
    .put(invite.id)
    .u32(Math.floor(invite.expires / 1000))
    .u16(invite.sessions)
    .sized8(toUtf8(invite.backends), INVITE_BACKENDS_MAX);
  return concat(bytes, await mac(cipher, key, bytes));
}

/** The invite, when this key has signed it; `undefined` for anything else. */
export async function openInvite(cipher: Cipher, key: Bytes, signed: Bytes): Promise<Invite | undefined> {
  const end = Math.max(0, signed.length - INVITE_MAC);
  const genuine = equal(await mac(cipher, key, signed.subarray(0, end)), signed.subarray(end));
  return genuine ? decodeInvite(signed) : undefined;
}

async function mac(cipher: Cipher, key: Bytes, bytes: Bytes): Promise<Bytes> {
  return (await cipher.hmac(key, bytes)).slice(0, INVITE_MAC);
}

/**
 * The fields of an invite, without a check of its signature; `undefined` for bytes that are no invite of this version.
 */
export function decodeInvite(signed: Bytes): Invite | undefined {
  try {
    const reader = new Reader(signed);
    if (reader.u8() !== VERSION) return undefined;
    const [id, expires, sessions] = [reader.take(INVITE_ID), reader.u32() * 1000, reader.u16()];
    const backends = fromUtf8(reader.sized8(INVITE_BACKENDS_MAX));
    return reader.remaining === INVITE_MAC ? { id, expires, sessions, backends } : undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}
