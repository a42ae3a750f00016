/** Signs an invite, and makes the link with the invite. */
import { type Bytes, fromBase64url, toBase64url } from '../../protocol/bytes.ts';
import { type Invite, inviteKeyOf, signInvite } from '../../protocol/permits/invite.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import { nodeCipher } from '../node/cipher.ts';

/**
 * Sessions that an invite may have open at a time, unless its maker says another number. One person's phone and
 * computer have a few each, and a browser behind a gateway opens up to 32 to its proxy (Chromium's
 * `MaxConnectionsPerProxy`). The number is an eighth of a hub's sessions, so a link that got around cannot fill the
 * relay.
 */
export const SESSIONS_USUAL = 64;

/**
 * Makes the link with a signed invite. The same parts make the same link.
 * @param url the relay's URL, `https://host/path/`
 * @param secret the relay's key
 * @throws RangeError when the backends do not fit into an invite
 */
export async function inviteLink(url: string, secret: Bytes, invite: Invite): Promise<string> {
  const signed = await signInvite(nodeCipher, await inviteKeyOf(nodeCipher, secret), invite);
  return formatLink({ url, key: await nodeCipher.publicKey(secret), invite: signed });
}

/**
 * Reads a relay's key as `npm run key` prints it.
 * @throws Error for anything else
 */
export function parseRelayKey(text: string): Bytes {
  const secret = fromBase64url(text.trim());
  if (secret?.length !== 32) throw new Error('That is not a relay’s key: it has 43 letters, digits, - and _.');
  return secret;
}

/**
 * The public half of a key, as links have it.
 * @throws Error when the key is not 32 bytes in base64url
 */
export async function publicKeyOf(key: string): Promise<string> {
  return toBase64url(await nodeCipher.publicKey(parseRelayKey(key)));
}

export function randomKey(): string {
  return toBase64url(crypto.getRandomValues(new Uint8Array(32)));
}
