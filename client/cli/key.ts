/** `puente key [HOST]`: makes a relay's key, and says what to do with it. */
import { parseArgs } from 'node:util';
import { toBase64url } from '../../protocol/bytes.ts';
import { PuenteError } from '../../protocol/errors.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import '../../protocol/sentences.ts';
import { nodeCipher } from '../node/cipher.ts';

const help = (name: string) => `${name} [HOST]

Makes a new key for a relay and prints it, the command that puts it, and the link to share.

  HOST        the relay's address, such as my-site.example.workers.dev; leave it out before the first deploy
  --json      { "key", "link" }
  -h, --help  this text
`;

export async function run(args: string[], name: string): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } },
  });
  if (values.help) return void process.stdout.write(help(name));
  if (positionals.length > 1) throw new PuenteError('link-invalid', 'Give one host.');
  const { url } = parseLink(positionals[0] ?? 'YOUR-RELAY.workers.dev');
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const key = toBase64url(secret);
  const link = formatLink({ url, key: await nodeCipher.publicKey(secret) });
  process.stdout.write(values.json ? `${JSON.stringify({ key, link })}\n` : explain(key, link));
}

function explain(key: string, link: string): string {
  return `Relay key (a secret: whoever has it can pose as your relay):

  ${key}

1. Put it. The command asks for it; paste the line above:

  npx wrangler secret put RELAY_KEY

2. Share the link${link.includes('your-relay') ? ', with the address that "npx wrangler deploy" printed as its host' : ''}:

  ${link}
`;
}
