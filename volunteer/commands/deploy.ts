/** `npm run deploy`: puts a relay up, or brings it up to date. */
import { parseArgs } from 'node:util';
import { RelayFolder } from '../../client/cli/relay-folder.ts';
import { putRelay, tryRelay } from '../relay/put-relay.ts';
import { settleRelay } from '../relay/settle.ts';
import { wrangler } from '../relay/wrangler.ts';
import { Failure } from '../terminal/failure.ts';

const help = (name: string) => `${name} [OPTIONS]

Puts a relay on Cloudflare, checks it, and prints the link to share. What it asks the first time, and the relay's key, it keeps in the
folder .relay; called again it changes only what an option says, and brings the relay up to date with this code.

  --access WHO     invite, which is usual: only people to whom you give a link (npm run invite); open: anyone who knows
                   its address. From open to invite it gets a new key, as the old one was published, and all links end
  --backends LIST  which chat services, as in BACKENDS: whatsapp, chat.example.org:5223
  --region WHERE   near whom its users are, as in HUB_REGION: me, eeur, weur, apac, oc, afr, wnam, enam, sam
  --name NAME      the first part of its address; two random words unless you say
  --domain HOST    an address of your own, in a zone of the same account
  --dry-run        everything but the upload: needs no account and no network
  --yes            asks nothing, and takes what is usual
  --qr, --no-qr    the link as a QR code; usually on a terminal only
  -h, --help       this text

Exit code: 0 when the relay works, 1 when it does not or could not be put, 2 when the command or a setting is not understood.
`;

export async function run(args: string[], name: string): Promise<void> {
  // The "Deploy to Cloudflare" button calls this script in its build. The button's own form gives the settings and the
  // key.
  if (process.env.WORKERS_CI) return deployAsItStands();
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      access: { type: 'string' },
      backends: { type: 'string' },
      region: { type: 'string' },
      name: { type: 'string' },
      domain: { type: 'string' },
      'dry-run': { type: 'boolean' },
      yes: { type: 'boolean', default: false },
      qr: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return void process.stdout.write(help(name));
  const folder = new RelayFolder();
  const relay = await settleRelay(folder, values, values.yes);
  const put = values['dry-run'] ? tryRelay : putRelay;
  await put(folder, relay, { qr: values.qr });
}

function deployAsItStands(): void {
  if (!wrangler(['deploy']).ok) throw new Failure('wrangler deploy failed.');
}
