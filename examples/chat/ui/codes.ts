/** Contact codes, and the identity of this browser's user. */
import { type Bytes, fromBase64url, toBase64url } from 'puente/bytes';
import { noble } from 'puente/noble';
import { type Identity, newIdentity } from '../net/chat.ts';
import { isThere, read, write } from './kept.ts';

/** An X25519 key in base64url: its last digit has only four bits. */
export const isCode = (text: unknown): text is string =>
  typeof text === 'string' && /^[\w-]{42}[AEIMQUYcgkosw048]$/.test(text);

const keyOf = (code: string): Bytes => fromBase64url(code) as Bytes;

/**
 * Whether a message can be sealed for this code. With some keys nobody can agree on a secret (RFC 7748, section 6.1).
 */
export function canWriteTo(code: string, { secret }: Identity): boolean {
  try {
    noble.sharedSecret(keyOf(secret), keyOf(code));
    return true;
  } catch {
    return false;
  }
}

/**
 * The identity, made on the first visit. An identity that cannot be read is left alone: somebody may yet be able to
 * mend it.
 */
export function keptIdentity(): Identity | undefined {
  const { secret, code } = Object(read('identity')) as Record<string, unknown>;
  if (isCode(secret) && isCode(code)) {
    return toBase64url(noble.publicKey(keyOf(secret))) === code ? { secret, code } : undefined;
  }
  if (isThere('identity')) return undefined;
  const identity = newIdentity();
  write('identity', identity);
  return identity;
}
