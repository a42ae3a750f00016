/** `npm run doctor`: looks a relay over, from its folder to the chat service behind it. */
import { parseArgs } from 'node:util';
import { inviteLink, parseRelayKey } from '../../client/cli/issue-invite.ts';
import { RelayFolder, type Settings } from '../../client/cli/relay-folder.ts';
import { nodeCipher } from '../../client/node/cipher.ts';
import { check } from '../../client/node/index.ts';
import type { Bytes } from '../../protocol/bytes.ts';
import { INVITE_ID } from '../../protocol/limits.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import { checkable } from '../../worker/admission/backends.ts';
import { examineAddress } from '../doctor/examine-address.ts';
import { examineBackends } from '../doctor/examine-backends.ts';
import {
  examineDomain,
  examineKey,
  examineName,
  examineQuota,
  examineRegion,
  examineSettings,
} from '../doctor/examine-folder.ts';
import type { Finding } from '../doctor/finding.ts';
import { backendsOf } from '../relay/variables.ts';

const help = (name: string) => `${name} [OPTIONS]

Looks over the relay that was deployed from this folder, and says what to mend. It changes nothing.

  --json      { "ok", "findings": [{ "about", "ok", "says", "fix" }] }; ok is null where it cannot be found out, or is yours to decide
  -h, --help  this text

Exit code: 0 when nothing is wrong, 1 when something is, 2 when the command is not understood.
`;

export async function run(args: string[], name: string): Promise<void> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help) return void process.stdout.write(help(name));
  const folder = new RelayFolder();
  const settings = folder.readSettings();
  if (!settings) throw new Error('There is no relay in this folder yet. Make one: npm run deploy');
  const findings: Finding[] = [];
  for await (const finding of examined(folder, settings)) {
    findings.push(finding);
    if (!values.json) process.stdout.write(textOf(finding));
  }
  const ok = findings.every((finding) => finding.ok !== false);
  if (values.json) process.stdout.write(`${JSON.stringify({ ok, findings })}\n`);
  if (!ok) process.exitCode = 1;
}

/** Yields the findings in the order in which a person would ask, each as soon as it is known. */
async function* examined(folder: RelayFolder, settings: Settings): AsyncGenerator<Finding> {
  const key = await examineKey(folder, settings);
  yield key.finding;
  const understood = await examineSettings(settings);
  yield understood;
  yield examineName(settings);
  yield examineDomain(settings);
  yield examineRegion(settings);
  yield examineQuota(settings);
  if (understood.ok) yield* await examineBackends(backendsOf(settings));
  const { address } = settings;
  if (!address) return yield { about: 'address', ok: false, says: 'It was not deployed yet.', fix: 'npm run deploy' };
  if (!key.secrets || !understood.ok) return;
  yield* await examineAddress({ ...settings, address }, key.secrets);
  yield await examineWay({ ...settings, address }, parseRelayKey(key.secrets.RELAY_KEY));
}

/** Checks the whole way, as a user's app goes it. */
async function examineWay(settings: Settings & { address: string }, secret: Bytes): Promise<Finding> {
  const backend = checkable(backendsOf(settings));
  const { relays } = await check(await linkFor(settings, secret), backend ? { backend } : {});
  const { ok = false, message = '', next } = relays[0] ?? {};
  return { about: 'the whole way', ok, says: message, ...(next && { fix: next }) };
}

/** The link of the relay. For a private relay the link has an invite of ten minutes, which nobody else ever sees. */
async function linkFor({ address: url, vars }: Settings & { address: string }, secret: Bytes): Promise<string> {
  if (vars.ACCESS === 'open') return formatLink({ url, key: await nodeCipher.publicKey(secret) });
  const id = crypto.getRandomValues(new Uint8Array(INVITE_ID));
  return inviteLink(url, secret, { id, expires: Date.now() + 600_000, sessions: 0, backends: '' });
}

function textOf({ about, ok, says, fix }: Finding): string {
  const mark = ok === null ? '–' : ok ? '✓' : '✗';
  return `${mark} ${about}: ${says}\n${fix ? `    ${fix}\n` : ''}`;
}
