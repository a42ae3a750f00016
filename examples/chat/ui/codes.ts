/** Contact codes, and the identity of this browser's user. */
import { type Bytes, fromBase64url, toBase64url } from 'puente/bytes';
import { noble } from 'puente/noble';
import { type Identity, newIdentity } from '../net/chat.ts';
import { isThere, read, write } from './kept.ts';

/** An X25519 key in base64url: its last digit has four bits only. */
export const isCode = (text: unknown): text is string =>
  typeof text === 'string' && /^[\w-]{42}[AEIMQUYcgkosw048]$/.test(text);

const keyOf = (code: string): Bytes => fromBase64url(code) as Bytes;

/** Whether something can be sealed for it: there are keys with which nobody can agree on a secret (RFC 7748, section 6.1). */
export function canWriteTo(code: string, { secret }: Identity): boolean {
  try {
    noble.sharedSecret(keyOf(secret), keyOf(code));
    return true;
  } catch {
    return false;
  }
}

/** Made on the first visit. One that is there and cannot be read is left alone: somebody may yet be able to mend it. */
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
