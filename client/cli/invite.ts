/** `puente invite HOST`: signs an invite to a private relay, and prints the link that has it. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { type Bytes, fromBase64url, toBase64url } from '../../protocol/bytes.ts';
import { inviteKeyOf, signInvite } from '../../protocol/invite.ts';
import { INVITE_ID } from '../../protocol/limits.ts';
import { formatLink, parseLink } from '../../protocol/link.ts';
import '../../protocol/sentences.ts';
import { nodeCipher } from '../node/cipher.ts';

const help = (name: string) => `${name} HOST [OPTIONS]

Makes an invite to a relay with ACCESS = "invite", and prints its id and the link to share. It asks for the relay's key, which
the command "key" printed; or takes it from standard input, or from the variable RELAY_KEY.

  HOST               the relay's address, such as my-site.example.workers.dev
  --expires WHEN     30d (days from now), or 2026-12-31 (to the end of that day, UTC); default 30d
  --sessions N       how many sessions may be open with it at a time, 1 to 65535; default: any number. An app opens a few
  --backends LIST    only these of the relay's backends, written as in BACKENDS; default: all of them
  --json             { "id", "link", "expires" }
  -h, --help         this text

To take an invite back, add its id to REVOKED in wrangler.toml and deploy.
`;

const DAY = 24 * 60 * 60_000;

export async function run(args: string[], name: string): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      expires: { type: 'string', default: '30d' },
      sessions: { type: 'string' },
      backends: { type: 'string', default: '' },
      help: { type: 'boolean', short: 'h' },
      json: { type: 'boolean' },
    },
  });
  if (values.help) return void process.stdout.write(help(name));
  const [host, ...more] = positionals;
  if (!host || more.length > 0) throw new Error(`Give the relay’s host: ${name} my-site.example.workers.dev`);
  const { origin } = parseLink(host);
  const expires = parseExpiry(values.expires);
  const sessions = values.sessions === undefined ? 0 : parseSessions(values.sessions);
  const secret = parseKey(process.env.RELAY_KEY ?? (await ask('Relay key: ')));
  const id = crypto.getRandomValues(new Uint8Array(INVITE_ID));
  const parts = { id, expires, sessions, backends: values.backends };
  const invite = await signInvite(nodeCipher, await inviteKeyOf(nodeCipher, secret), parts).catch(() => {
    throw new Error('--backends: that is more than fits an invite.');
  });
  const link = formatLink({ origin, key: await nodeCipher.publicKey(secret), invite });
  const made = { id: toBase64url(id), link, expires: new Date(expires).toISOString() };
  process.stdout.write(values.json ? `${JSON.stringify(made)}\n` : explain(made));
}

function explain({ id, link, expires }: { id: string; link: string; expires: string }): string {
  return `Invite ${id}, good until ${expires}. Share the link with those it is for, and nowhere else:

  ${link}
`;
}

/** By `Date.now()`. */
function parseExpiry(text: string): number {
  const days = /^([1-9]\d{0,3})d$/.exec(text)?.[1];
  if (days) return Date.now() + Number(days) * DAY;
  const day = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(day) || day + DAY <= Date.now())
    throw new Error(`--expires: "${text}" is neither days, such as 30d, nor a day to come, such as 2026-12-31.`);
  return day + DAY;
}

function parseSessions(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > 65_535) throw new Error(`--sessions: "${text}" is not a number from 1 to 65535.`);
  return number;
}

function parseKey(text: string): Bytes {
  const secret = fromBase64url(text.trim());
  if (secret?.length !== 32) throw new Error('That is not a relay’s key: it has 43 letters, digits, - and _.');
  return secret;
}

/** A line of standard input; on a terminal it is asked for, and not shown. */
async function ask(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (stdin.isTTY) stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: nowhere, terminal: stdin.isTTY });
  for await (const line of lines) {
    if (stdin.isTTY) stderr.write('\n');
    lines.close();
    return line;
  }
  return '';
}
