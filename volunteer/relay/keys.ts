/**
 * Which keys a relay may have. An open relay publishes its public key. A person who has a private relay's public key
 * can find out that the relay is one. So a key that was published never serves a private relay (docs/decisions.md, 9).
 */
import { publicKeyOf, randomKey } from '../../client/cli/issue-invite.ts';
import type { RelayFolder, Secrets, Settings } from '../../client/cli/relay-folder.ts';
import { accessOf } from '../../worker/config.ts';
import { dayOf } from '../../worker/counters/day.ts';
import { Failure } from '../terminal/failure.ts';
import type { Questions } from '../terminal/questions.ts';
import type { Relay } from './variables.ts';

/** The last day of the old key, while it is still good. */
export function oldKeyUntil({ OLD_KEY_UNTIL: until }: Secrets): string | undefined {
  return until && until >= dayOf(Date.now()) ? until : undefined;
}

const isOpen = ({ vars }: Settings): boolean => accessOf(vars) === 'open';

/** Public keys that everybody could have got from the relay, as far as its folder can tell. */
export async function publishedKeys({ settings, secrets }: Relay): Promise<string[]> {
  if (settings.published) return settings.published;
  // A folder of an earlier version, in which only the settings say that the relay is open.
  const wasPut = settings.claimed || settings.address;
  return wasPut && isOpen(settings) ? Promise.all(keysOf(secrets).map(publicKeyOf)) : [];
}

const keysOf = ({ RELAY_KEY, OLD_RELAY_KEY }: Secrets): string[] =>
  OLD_RELAY_KEY ? [RELAY_KEY, OLD_RELAY_KEY] : [RELAY_KEY];

/** Call this before an open relay is put: from then on everybody can have the relay's key. */
export async function notePublishedKey(folder: RelayFolder, relay: Relay): Promise<void> {
  if (!isOpen(relay.settings)) return;
  const published = new Set(await publishedKeys(relay));
  published.add(await publicKeyOf(relay.secrets.RELAY_KEY));
  folder.updateSettings({ published: [...published] });
}

/** The keys of a private relay that were published. */
async function keysThatAreOut(relay: Relay): Promise<Set<string>> {
  if (isOpen(relay.settings)) return new Set();
  const published = await publishedKeys(relay);
  if (published.length === 0) return new Set();
  const out = await Promise.all(keysOf(relay.secrets).map(async (key) => published.includes(await publicKeyOf(key))));
  return new Set(keysOf(relay.secrets).filter((_, index) => out[index]));
}

/** Whether a private relay has a key that was published. */
export async function hasPublishedKey(relay: Relay): Promise<boolean> {
  return (await keysThatAreOut(relay)).size > 0;
}

/** A day that is over wherever the relay runs. */
const LONG_PAST = '1970-01-01';

/**
 * Gives a private relay new keys in place of published ones. First says that links end, and asks.
 * @throws Failure when the volunteer refuses; then nothing was changed
 */
export async function replacePublishedKeys(folder: RelayFolder, relay: Relay, questions: Questions): Promise<Relay> {
  const out = await keysThatAreOut(relay);
  if (out.size === 0) return relay;
  // Do not write to standard output: with --json it is for the JSON.
  process.stderr.write(
    'While the relay was open, everybody could have its key. Whoever has the key of a private relay can find out that it is ' +
      'one.\nSo the relay gets another key, and all links that have this one end: share new ones.\n',
  );
  if (!(await questions.confirm('Go on?'))) throw new Failure('It was left as it is.');
  const { RELAY_KEY, OLD_RELAY_KEY } = relay.secrets;
  const secrets: Secrets = {
    ...relay.secrets,
    ...(out.has(RELAY_KEY) && { RELAY_KEY: randomKey() }),
    // Overwrite the old key; do not leave it out. A secret that a deploy does not name stays in the Worker as before.
    ...(OLD_RELAY_KEY && out.has(OLD_RELAY_KEY) && { OLD_RELAY_KEY: randomKey(), OLD_KEY_UNTIL: LONG_PAST }),
  };
  folder.replaceSecrets(secrets);
  return { ...relay, secrets };
}
