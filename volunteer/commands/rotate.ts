/** `npm run rotate`: gives the relay a new key. */
import { parseArgs } from 'node:util';
import { randomKey } from '../../client/cli/issue-invite.ts';
import { RelayFolder } from '../../client/cli/relay-folder.ts';
import { DAY, dayOf } from '../../worker/counters/day.ts';
import { deployAfter, readRelay } from '../relay/deploy-after.ts';
import { hasPublishedKey, oldKeyUntil } from '../relay/keys.ts';

const help = (name: string) => `${name} [OPTIONS]

Makes a new key for the relay, and deploys it. Links and invites of the old key work until a day; share new ones before it.

  --until DAY  the last day of the old key, UTC, such as 2026-12-31; default: 30 days from now
  --now        the old key is good no more, as when somebody else has it: all links and invites end
  --yes        asks nothing
  -h, --help   this text

A key that the relay has published while it was open never serves it as a private one: the deploy that closes it makes
a new one.
`;

export async function run(args: string[], name: string): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      until: { type: 'string' },
      now: { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return void process.stdout.write(help(name));
  if (values.now && values.until) throw new Error('Say either --now or --until.');
  const until = values.now ? dayOf(Date.now() - DAY) : parseDay(values.until ?? dayOf(Date.now() + 30 * DAY));
  const folder = new RelayFolder();
  const relay = readRelay(folder);
  if (await hasPublishedKey(relay))
    throw new Error(
      'The relay still has the key that it published while it was open, and links of that key must not last. ' +
        'For a new key: npm run deploy',
    );
  const { secrets } = relay;
  const before = oldKeyUntil(secrets);
  if (before && !values.now)
    throw new Error(
      `The key before this one is good until ${before}, and a relay keeps one old key. Wait for that, or say --now.`,
    );
  folder.replaceSecrets({ RELAY_KEY: randomKey(), OLD_RELAY_KEY: secrets.RELAY_KEY, OLD_KEY_UNTIL: until });
  process.stdout.write(
    values.now ? 'There is a new key.\n' : `There is a new key; the old one is good until ${until}.\n`,
  );
  await deployAfter(folder, values.yes);
}

function parseDay(text: string): string {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (!(time + DAY > Date.now())) throw new Error(`--until: "${text}" is not a day to come, such as 2026-12-31.`);
  return text;
}
