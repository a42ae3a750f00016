/**
 * Seals the messages of two users, so that the server cannot read them: XChaCha20-Poly1305 under a key that only the
 * two users can derive. So a message that opens was written by the contact whose code is on it.
 *
 * This seal has no forward secrecy, and no protection for a page whose server sends it false code. A real app takes a
 * protocol that has both, such as Signal's.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, fromBase64url, fromUtf8, toBase64url, toUtf8 } from 'puente/bytes';
import { noble } from 'puente/noble';
import { type Identity, keyOf } from './identity.ts';
import { random } from './random.ts';

const KEY = 32;
const NONCE = 24;

/** @returns the writer's key, a nonce, and the sealed text */
export function sealFor(to: string, text: string, identity: Identity): Bytes {
  const nonce = random(NONCE);
  const key = keyBetween(identity, to, identity.code, to);
  const sealed = xchacha20poly1305(key, nonce).encrypt(toUtf8(text));
  return concat(keyOf(identity.code), nonce, sealed as Bytes);
}

/** Throws when the message was not sealed for this user by the user whose key stands before it. */
export function openFrom(sealed: Bytes, identity: Identity): { from: string; text: string } {
  const from = toBase64url(sealed.subarray(0, KEY));
  const key = keyBetween(identity, from, from, identity.code);
  const nonce = sealed.subarray(KEY, KEY + NONCE);
  const text = xchacha20poly1305(key, nonce).decrypt(sealed.subarray(KEY + NONCE));
  return { from, text: fromUtf8(text as Bytes) };
}

/**
 * The key for one direction. With one key for both directions, the server could send a user's own words back as the
 * other user's words.
 */
function keyBetween(identity: Identity, other: string, from: string, to: string): Bytes {
  const shared = noble.sharedSecret(fromBase64url(identity.secret) as Bytes, keyOf(other));
  const direction = concat(toUtf8('puente example chat message'), keyOf(from), keyOf(to));
  return hkdf(sha256, shared, undefined, direction, KEY) as Bytes;
}
