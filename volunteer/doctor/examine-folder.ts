/** Findings about a relay from its folder alone. */
import type { RelayFolder, Secrets, Settings } from '../../client/cli/relay-folder.ts';
import { configOf } from '../../worker/config.ts';
import { hasPublishedKey, oldKeyUntil } from '../relay/keys.ts';
import { tellingPart } from '../relay/names.ts';
import { checkVariables } from '../relay/variables.ts';
import { type Finding, problemOf } from './finding.ts';

/** The finding, and the keys, unless they are missing or cannot be understood. */
export async function examineKey(
  folder: RelayFolder,
  settings: Settings,
): Promise<{ finding: Finding; secrets?: Secrets }> {
  try {
    const secrets = folder.readSecrets();
    if (!secrets) return { finding: bad('key', 'There is none.', 'npm run deploy') };
    await configOf({ ...secrets });
    if (await hasPublishedKey({ settings, secrets }))
      return {
        secrets,
        finding: bad(
          'key',
          'The relay published it while it was open, so it hides a private one from nobody.',
          'npm run deploy, which makes a new one. All links end: share new ones.',
        ),
      };
    const until = oldKeyUntil(secrets);
    return {
      secrets,
      finding: good('key', `It is good, and for your eyes only.${until ? ` The one before it: until ${until}.` : ''}`),
    };
  } catch (error) {
    return { finding: bad('key', problemOf(error), 'npm run rotate -- --now, where the key itself is wrong') };
  }
}

export async function examineSettings(settings: Settings): Promise<Finding> {
  try {
    await checkVariables(settings);
    return good('settings', 'The relay understands them.');
  } catch (error) {
    return bad('settings', problemOf(error), 'Correct .relay/settings.json, then: npm run deploy');
  }
}

export function examineName({ name, address, domain }: Settings): Finding {
  const host = address ? new URL(address).host : (domain ?? name);
  const part = tellingPart(host);
  if (!part) return good('name', `"${host}" says nothing of what it is.`);
  const fix = tellingPart(name)
    ? 'Move .relay away, deploy under another name, share the new link, remove the old Worker.'
    : 'Change the account’s subdomain in the dashboard, or use a domain of your own: npm run deploy -- --domain HOST';
  return bad('name', `"${host}" has "${part}" in it, for everybody on the way to read.`, fix);
}

export function examineQuota({ vars }: Settings): Finding {
  if (Number(vars.HUBS ?? 1) > 1)
    return unknown('quota', `${vars.HUBS} hubs are more than the free plan has duration for.`, 'See docs/capacity.md.');
  return unknown(
    'quota',
    'Cloudflare knows how much of it is used, and this does not. The free plan has 100,000 requests a day.',
    'See Workers in the dashboard; docs/capacity.md says what a person takes.',
  );
}

export function examineDomain({ domain }: Settings): Finding {
  if (domain) return good('domain', `It answers at ${domain}, which is yours.`);
  return unknown(
    'domain',
    'It has none of its own. Some networks block workers.dev as a whole.',
    'With a domain in the account: npm run deploy -- --domain HOST',
  );
}

export function examineRegion({ vars }: Settings): Finding {
  if (vars.HUBS === '0') return good('region', 'It has no hubs.');
  if (vars.HUB_REGION) return good('region', `The hubs are near ${vars.HUB_REGION}.`);
  return unknown(
    'region',
    'The hubs are near whoever came first, which may be you.',
    'Say near whom they should be: npm run deploy -- --region me',
  );
}

const good = (about: string, says: string): Finding => ({ about, ok: true, says });
const bad = (about: string, says: string, fix: string): Finding => ({ about, ok: false, says, fix });
const unknown = (about: string, says: string, fix: string): Finding => ({ about, ok: null, says, fix });
