/** The link that a volunteer shares first. */
import { inviteLink, parseRelayKey, SESSIONS_USUAL } from '../../client/cli/issue-invite.ts';
import type { IssuedInvite, RelayFolder, Settings } from '../../client/cli/relay-folder.ts';
import { nodeCipher } from '../../client/node/cipher.ts';
import { type Bytes, fromBase64url, toBase64url } from '../../protocol/bytes.ts';
import { INVITE_ID } from '../../protocol/limits.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import { DAY } from '../../worker/counters/day.ts';
import type { Relay } from './variables.ts';

/** The label of the volunteer's own invite. */
const OWN = 'me';

/**
 * For an open relay, the relay's link. For a private relay, the link with the volunteer's own invite. When there is no
 * good invite of the volunteer's own, makes one and notes it in the folder. Until then the link is the same each time.
 */
export async function ownLink(folder: RelayFolder, relay: Relay, url: string): Promise<string> {
  const { settings, secrets } = relay;
  const secret = parseRelayKey(secrets.RELAY_KEY);
  if (settings.vars.ACCESS === 'open') return formatLink({ url, key: await nodeCipher.publicKey(secret) });
  const { id, expires } = goodOwnInvite(settings) ?? newOwnInvite(folder, settings);
  const parts = {
    id: fromBase64url(id) as Bytes,
    expires: Date.parse(expires),
    sessions: SESSIONS_USUAL,
    backends: '',
  };
  return inviteLink(url, secret, parts);
}

function goodOwnInvite({ invites, revoked }: Settings): IssuedInvite | undefined {
  return invites.find(
    ({ id, for: label, expires }) => label === OWN && !revoked.includes(id) && Date.parse(expires) > Date.now() + DAY,
  );
}

function newOwnInvite(folder: RelayFolder, settings: Settings): IssuedInvite {
  const id = toBase64url(crypto.getRandomValues(new Uint8Array(INVITE_ID)));
  const made = { id, for: OWN, expires: new Date(Date.now() + 30 * DAY).toISOString() };
  folder.updateSettings({ invites: [...settings.invites, made] });
  return made;
}
