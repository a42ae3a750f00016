/** `npm run revoke`: takes invites back. */
import { parseArgs } from 'node:util';
import { type IssuedInvite, RelayFolder, type Settings } from '../../client/cli/relay-folder.ts';
import { fromBase64url } from '../../protocol/bytes.ts';
import { INVITE_ID } from '../../protocol/limits.ts';
import { deployAfter, readRelay } from '../relay/deploy-after.ts';

const help = (name: string) => `${name} LABEL-OR-ID... [OPTIONS]

Takes invites back: all for a label, or the one with an id, and deploys the relay, which ends sessions that are open. Whoever has
the link finds then what strangers find.

  --yes       deploys without asking
  -h, --help  this text
`;

export async function run(args: string[], name: string): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { yes: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) return void process.stdout.write(help(name));
  const folder = new RelayFolder();
  const { settings } = readRelay(folder);
  if (positionals.length === 0) throw new Error(`Say whose: ${name} ana\n\n${listOf(settings)}`);
  const ids = positionals.flatMap((which) => idsOf(which, settings));
  // The Worker itself refuses an expired invite, so the invite's id need not be listed any more.
  const isOver = (id: string) => settings.invites.some((invite) => invite.id === id && isExpired(invite));
  const revoked = [...new Set([...settings.revoked, ...ids])].filter((id) => !isOver(id));
  folder.updateSettings({ revoked, invites: settings.invites.filter((invite) => !isExpired(invite)) });
  process.stdout.write(`Taken back: ${ids.join(', ')}.\n`);
  await deployAfter(folder, values.yes);
}

/** @throws Error when there is no such invite */
function idsOf(which: string, settings: Settings): string[] {
  const known = settings.invites.filter((invite) => invite.id === which || invite.for === which).map(({ id }) => id);
  if (known.length > 0) return known;
  // An invite that was made elsewhere, with the same key.
  if (fromBase64url(which)?.length === INVITE_ID) return [which];
  throw new Error(`There is no invite for "${which}".\n\n${listOf(settings)}`);
}

const isExpired = ({ expires }: IssuedInvite): boolean => Date.parse(expires) <= Date.now();

function listOf({ invites, revoked }: Settings): string {
  const rows = invites.map(
    ({ id, for: label, expires }) =>
      `  ${id}  until ${expires.slice(0, 10)}  ${label}${revoked.includes(id) ? '  (taken back)' : ''}`,
  );
  return rows.length === 0 ? 'There are none.' : rows.join('\n');
}
