/** `puente invite`: signs an invite to a private relay, and prints the link with the invite. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { type Bytes, toBase64url } from '../../protocol/bytes.ts';
import { INVITE_ID } from '../../protocol/limits.ts';
import { parseLink } from '../../protocol/permits/link.ts';
import '../../protocol/sentences.ts';
import { inviteLink, parseRelayKey, publicKeyOf, SESSIONS_USUAL } from './issue-invite.ts';
import { RelayFolder, type Secrets, type Settings } from './relay-folder.ts';

const help = (name: string) => `${name} --for LABEL [OPTIONS]
${name} HOST [OPTIONS]

Makes an invite to a private relay, and prints its id and the link to share. A relay that "npm run deploy" made in this folder is known,
with its key. For any other give its HOST; then it asks for the key, or takes it from standard input, or from the variable RELAY_KEY.

  --for LABEL        whom it is for, in your own words: they stay on this machine, and "revoke" knows them
  HOST               the relay's address, such as my-site.example.workers.dev
  --expires WHEN     30d (days from now), or 2026-12-31 (to the end of that day, UTC); default 30d
  --sessions N       how many sessions may be open with it at a time, 1 to 65535, or "any" (0); default
                     ${SESSIONS_USUAL}, enough for one person with a phone, a computer and a gateway; "any" is for a link that many share
  --backends LIST    only these of the relay's backends, written as in BACKENDS; default: all of them
  --json             { "id", "link", "expires" }
  -h, --help         this text

To take an invite back: npm run revoke -- LABEL, or its id. With a HOST, add the id to REVOKED in wrangler.toml and deploy.
`;

const DAY = 24 * 60 * 60_000;

export async function run(args: string[], name: string): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      for: { type: 'string' },
      expires: { type: 'string', default: '30d' },
      sessions: { type: 'string' },
      backends: { type: 'string', default: '' },
      help: { type: 'boolean', short: 'h' },
      json: { type: 'boolean' },
    },
  });
  if (values.help) return void process.stdout.write(help(name));
  const relay = positionals.length === 0 ? knownRelay(values.for, name) : givenRelay(positionals, values.for, name);
  const expires = parseExpiry(values.expires);
  const sessions = values.sessions === undefined ? SESSIONS_USUAL : parseSessions(values.sessions);
  const id = crypto.getRandomValues(new Uint8Array(INVITE_ID));
  const parts = { id, expires, sessions, backends: values.backends };
  const link = await inviteLink(relay.url, await relay.secret(), parts).catch((error: unknown) => {
    throw error instanceof RangeError ? new Error('--backends: that is more than fits an invite.') : error;
  });
  const made = { id: toBase64url(id), link, expires: new Date(expires).toISOString() };
  relay.record(made);
  process.stdout.write(values.json ? `${JSON.stringify(made)}\n` : explain(made));
}

interface Relay {
  url: string;
  secret(): Promise<Bytes>;
  record(made: { id: string; expires: string }): void;
}

/** The relay that was deployed from this folder. */
function knownRelay(label: string | undefined, name: string): Relay {
  const folder = new RelayFolder();
  const settings = folder.readSettings();
  const secrets = folder.readSecrets();
  if (!settings || !secrets)
    throw new Error(
      `Give the relay’s host: ${name} my-site.example.workers.dev, or make a relay first: npm run deploy`,
    );
  if (!label) throw new Error(`Say whom it is for, so that you can take it back: ${name} --for ana`);
  if (settings.vars.ACCESS !== 'invite')
    throw new Error(
      'The relay is open: its link is all that is needed. To close it: npm run deploy -- --access invite',
    );
  return {
    url: addressOf(settings),
    secret: () => unpublishedKey(settings, secrets),
    record: ({ id, expires }) =>
      void folder.updateSettings({ invites: [...settings.invites, { id, for: label, expires }] }),
  };
}

/** @throws Error for a key that an open relay has published: the next deploy replaces this key, and ends its invites */
async function unpublishedKey({ published = [] }: Settings, { RELAY_KEY }: Secrets): Promise<Bytes> {
  if (published.includes(await publicKeyOf(RELAY_KEY)))
    throw new Error(
      'The relay still has the key that it published while it was open. Give it a new one: npm run deploy',
    );
  return parseRelayKey(RELAY_KEY);
}

function addressOf({ address }: Settings): string {
  if (!address) throw new Error('The relay’s address is not known yet. Deploy it first: npm run deploy');
  return address;
}

function givenRelay([host = '', ...more]: string[], label: string | undefined, name: string): Relay {
  if (more.length > 0) throw new Error(`Give one host: ${name} my-site.example.workers.dev`);
  if (label) throw new Error('--for is kept for the relay that was deployed from this folder: leave the host out.');
  return {
    url: parseLink(host).url,
    secret: async () => parseRelayKey(process.env.RELAY_KEY ?? (await ask('Relay key: '))),
    record: () => {},
  };
}

function explain({ id, link, expires }: { id: string; link: string; expires: string }): string {
  return `Invite ${id}, good until ${expires}. Share the link with those it is for, and nowhere else:

  ${link}
`;
}

/** The time of expiry, comparable with `Date.now()`. */
function parseExpiry(text: string): number {
  const days = /^([1-9]\d{0,3})d$/.exec(text)?.[1];
  if (days) return Date.now() + Number(days) * DAY;
  const day = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(day) || day + DAY <= Date.now())
    throw new Error(`--expires: "${text}" is neither days, such as 30d, nor a day to come, such as 2026-12-31.`);
  return day + DAY;
}

/** The number of sessions; 0 stands for any number. */
function parseSessions(text: string): number {
  const number = text === 'any' ? 0 : /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= 0 && number <= 65_535) return number;
  throw new Error(`--sessions: "${text}" is neither a number from 1 to 65535 nor "any".`);
}

/** Reads a line of standard input. On a terminal, asks for the line and does not show it. */
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
