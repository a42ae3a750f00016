/** Deploys after a change of the folder: the relay itself changes with the next deploy only. */
import type { RelayFolder } from '../../client/cli/relay-folder.ts';
import { Questions } from '../terminal/questions.ts';
import { replacePublishedKeys } from './keys.ts';
import { putRelay } from './put-relay.ts';
import type { Relay } from './variables.ts';

/** @throws Error when the folder has no relay */
export function readRelay(folder: RelayFolder): Relay {
  const [settings, secrets] = [folder.readSettings(), folder.readSecrets()];
  if (!settings || !secrets) throw new Error('There is no relay in this folder yet. Make one: npm run deploy');
  return { settings, secrets };
}

/** @param atOnce deploys without asking */
export async function deployAfter(folder: RelayFolder, atOnce: boolean): Promise<void> {
  const relay = await relayToDeploy(folder, atOnce);
  if (relay) return putRelay(folder, relay, {});
  process.stdout.write('The relay does not know of it until you run: npm run deploy\n');
}

/** The relay of the folder; nothing when the volunteer does not want to deploy now. */
async function relayToDeploy(folder: RelayFolder, atOnce: boolean): Promise<Relay | undefined> {
  const questions = new Questions(atOnce);
  try {
    if (!(await questions.confirm('Deploy now?'))) return undefined;
    // The settings may have been edited since the last deploy.
    return await replacePublishedKeys(folder, readRelay(folder), questions);
  } finally {
    questions.close();
  }
}
