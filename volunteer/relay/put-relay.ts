/** Puts the folder's relay on Cloudflare, or does everything but the upload, and shows the link to share. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RelayFolder, Settings } from '../../client/cli/relay-folder.ts';
import { Failure } from '../terminal/failure.ts';
import { drawQr } from '../terminal/qr.ts';
import { Questions } from '../terminal/questions.ts';
import { untilItWorks } from './await-relay.ts';
import { notePublishedKey } from './keys.ts';
import { ownLink } from './share.ts';
import { configFor, type Relay, variablesOf } from './variables.ts';
import { accounts, exists, failure, wrangler } from './wrangler.ts';

const CONFIG = fileURLToPath(new URL('../../wrangler.toml', import.meta.url));

export interface Showing {
  /** Whether to draw the QR code; default: only on a terminal. */
  qr?: boolean | undefined;
}

/**
 * Uploads the relay, waits until it works, and shows its link.
 * @throws PuenteError `config-invalid`, before anything is uploaded
 * @throws Failure when the relay could not be uploaded
 */
export async function putRelay(folder: RelayFolder, relay: Relay, showing: Showing): Promise<void> {
  const config = await configFor(relay);
  const account = await accountFor(relay.settings);
  claim(folder, relay.settings, account);
  await notePublishedKey(folder, relay);
  const deployed = wrangler(deployArguments(folder, relay.settings), { account });
  if (!deployed.ok) throw failure(deployed);
  const address = addressOf(deployed.targets, relay.settings);
  folder.updateSettings({ address, ...(account && { account }) });
  const link = await ownLink(folder, relay, address);
  show(link, showing);
  if (!(await untilItWorks(link, config.backends))) process.exitCode = 1;
}

/** Does the same without an account and without a network: builds and validates the relay, and uploads nothing. */
export async function tryRelay(folder: RelayFolder, relay: Relay, showing: Showing): Promise<void> {
  await configFor(relay);
  const bundle = mkdtempSync(join(tmpdir(), 'puente-'));
  try {
    const built = wrangler([...deployArguments(folder, relay.settings), '--dry-run', '--outdir', bundle]);
    if (!built.ok) throw failure(built);
  } finally {
    rmSync(bundle, { recursive: true });
  }
  const { address, domain, name } = relay.settings;
  const host = domain ?? `${name}.your-subdomain.workers.dev`;
  show(await ownLink(folder, relay, address ?? `https://${host}/`), showing);
  process.stdout.write(`Nothing was uploaded.${address ? '' : ' The address is known after the first deploy.'}\n`);
}

function deployArguments(folder: RelayFolder, settings: Settings): string[] {
  const variables = Object.entries(variablesOf(settings)).flatMap(([name, value]) => ['--var', `${name}:${value}`]);
  const domain = settings.domain ? ['--domain', settings.domain] : [];
  // Pass the secrets as a file: nobody can read them in a list of processes, and the Worker has its key from its first
  // moment.
  const secrets = ['--secrets-file', folder.secretsPath];
  return ['deploy', '--config', CONFIG, '--name', settings.name, ...variables, ...domain, ...secrets];
}

/** The id of the account, where wrangler would otherwise have to ask for the account. */
async function accountFor({ account }: Settings): Promise<string | undefined> {
  const all = accounts();
  const chosen = process.env.CLOUDFLARE_ACCOUNT_ID ?? account;
  if (chosen || all.length < 2) return chosen;
  const questions = new Questions(false);
  try {
    const list = all.map(({ name }, index) => `  ${index + 1}  ${name}\n`).join('');
    const answer = await questions.ask(`${list}Which account is the relay to be in?`, '', (text) => {
      if (!all[Number(text) - 1]) throw new Error(`Say a number from 1 to ${all.length}.`);
    });
    return all[Number(answer) - 1]?.id;
  } finally {
    questions.close();
  }
}

/** Call this before the first upload: wrangler would replace any Worker of the same name with the relay. */
function claim(folder: RelayFolder, { name, claimed }: Settings, account: string | undefined): void {
  if (claimed) return;
  if (exists(name, account))
    throw new Failure(`The account has a Worker "${name}" already. Choose another name: npm run deploy -- --name NAME`);
  folder.updateSettings({ claimed: true });
}

/** @throws Failure when wrangler did not say the address */
function addressOf(targets: string[], { address, domain }: Settings): string {
  if (domain) return `https://${domain}/`;
  const target = targets.find((text) => URL.canParse(text)) ?? address;
  if (!target)
    throw new Failure(
      'It was uploaded, but has no address. Turn workers.dev on for it in the dashboard, and run this again.',
    );
  return new URL(target).href;
}

function show(link: string, { qr = process.stdout.isTTY }: Showing): void {
  process.stdout.write(`\nThe link to share:\n\n  ${link}\n\n${qr ? `${drawQr(link)}\n` : ''}`);
}
