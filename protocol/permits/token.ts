/**
 * The token is a subprotocol that proves that its sender has the relay's link, for the price of one hash. A private
 * relay's public key is only in its links, so a stranger cannot make the token.
 *
 *     token = the first 12 bytes of HMAC-SHA256(token key, HELLO), in base64url;
 *             then up to TOKEN_TAIL_MAX random characters
 *     token key = HMAC-SHA256(the relay's public key, "puente/1 token")
 *
 * The relay echoes the whole token, so its client chooses how long the answer is. HELLO is the text after the token in
 * the upgrade request. Nothing is decoded before the token is known to be right.
 */
import { type Bytes, equal, evenly, type RandomBytes, toBase64url, toUtf8 } from '../bytes.ts';
import type { Cipher } from '../carrier/cipher.ts';
import type { Offer } from '../carrier/hello.ts';
import { TOKEN_BYTES, TOKEN_CHARS, TOKEN_TAIL_MAX } from '../limits.ts';

const LABEL = toUtf8('puente/1 token');

/** The token key: the same for all hellos to one relay. */
export async function tokenKeyOf(cipher: Cipher, publicKey: Bytes): Promise<Bytes> {
  return cipher.hmac(publicKey, LABEL);
}

/** Random characters of a random number, which make the token's length random. */
export function tokenTail(random: RandomBytes): string {
  const length = evenly(random, 0, TOKEN_TAIL_MAX);
  return toBase64url(random(TOKEN_TAIL_MAX)).slice(0, length);
}

/** @param hello message 1 in base64url, as it is sent */
async function tokenOf(cipher: Cipher, tokenKey: Bytes, hello: string): Promise<string> {
  return toBase64url((await cipher.hmac(tokenKey, toUtf8(hello))).subarray(0, TOKEN_BYTES));
}

/** The two subprotocols of an upgrade request with this message 1. */
export async function offerOf(
  cipher: Cipher,
  relayKey: Bytes,
  message: Bytes,
  tail = '',
): Promise<[token: string, hello: string]> {
  const hello = toBase64url(message);
  return [(await tokenOf(cipher, await tokenKeyOf(cipher, relayKey), hello)) + tail, hello];
}

/** Whether the offer's token belongs to its hello. The time that this takes depends on the lengths alone. */
export async function isToken(cipher: Cipher, tokenKey: Bytes, { token, hello }: Offer): Promise<boolean> {
  return equal(toUtf8(await tokenOf(cipher, tokenKey, hello)), toUtf8(token.slice(0, TOKEN_CHARS)));
}
