/**
 * The identity of a user: an X25519 key, whose public half is the contact code. The server knows no more of anybody.
 */
import { type Bytes, concat, fromBase64url, toBase64url, toUtf8 } from 'puente/bytes';
import { noble } from 'puente/noble';
import { random } from './random.ts';

export interface Identity {
  /** base64url */
  secret: string;
  /** The public X25519 key, base64url: the contact code that others paste. */
  code: string;
}

export function newIdentity(): Identity {
  const secret = random(32);
  return { secret: toBase64url(secret), code: toBase64url(noble.publicKey(secret)) };
}

/**
 * The key in a code.
 * @throws TypeError
 */
export function keyOf(code: string): Bytes {
  const key = fromBase64url(code);
  if (key?.length !== 32) throw new TypeError('This is no contact code.');
  return key;
}

/** The name under which the server keeps a user's waiting messages; also the user's MQTT client identifier. */
export function inboxOf(code: string): string {
  return toBase64url(noble.sha256(concat(toUtf8('puente example chat inbox'), keyOf(code))));
}

/** The MQTT topic of an inbox. */
export const topicOf = (inbox: string): string => `inbox/${inbox}`;

/**
 * Proves to the server that an inbox is the user's own. Only the server and the user can make the proof, and the proof
 * is for this one connection.
 * @param shared the X25519 secret of the user's key and the front's
 * @param channel the secret that the Noise handshake gave to both ends alone
 */
export function proofOf(shared: Bytes, channel: Bytes): Bytes {
  return noble.hmac(shared, channel);
}
