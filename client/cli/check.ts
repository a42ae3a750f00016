/** `puente check LINK…`: goes the whole way through relays, and says where the way ends and what to do. */
import { parseArgs } from 'node:util';
import { type CheckedStage, check, type RelayReport, type Stage } from '../node/index.ts';
import { readList } from './list.ts';

const help = (name: string) => `${name} LINK... [OPTIONS]

Goes the whole way through each relay: to it, through it to a chat server that must answer, and with 64 KiB there and back. Says
where that ends, why, and what to do.

  LINK               a relay's link, or the bare address of an open relay
  --list FILE|URL    a list of relays: a link or host a line, or JSON; may be given several times
  --backend ADDRESS  the chat server that must answer: host:port (TLS) or whatsapp://host:port; default
                     whatsapp://g.whatsapp.net:5222
  --json             { "relays": [{ "relay", "ok", "code", "message", "next", "stages": [{ "stage", "ok", "ms" }] }] }
  -h, --help         this text

Exit code: 0 when all of them work, 1 when one does not, 2 when the command is not understood.
`;

const WORDS: Record<Stage, string> = {
  dns: 'its name has an address',
  tcp: 'the address accepts a connection',
  tls: 'its certificate is good',
  upgrade: 'it answers',
  hello: 'it lets this link in',
  grant: 'it proves its key, and has room',
  backend: 'it reaches the chat server',
  answer: 'the chat server answers',
  bulk: '64 KiB go there and back',
};

export async function run(args: string[], name: string): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      list: { type: 'string', multiple: true, default: [] },
      backend: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return void process.stdout.write(help(name));
  const lists = await Promise.all(values.list.map(readList));
  const links = [...positionals, ...lists.flatMap(({ relays }) => relays)];
  if (links.length === 0) throw new Error(`Give a relay: ${name} LINK`);
  // Progress is for people: with `--json`, leave it out where standard error is a file. Nobody watches a file grow.
  const progress = values.json ? process.stderr : process.stdout;
  const isWatched = !values.json || process.stderr.isTTY;
  const isOne = links.length === 1;
  const { relays } = await check(links, {
    ...(values.backend && { backend: values.backend }),
    onStage: (relay, stage) => void (isWatched && progress.write(`${isOne ? '' : `${relay}  `}${lineOf(stage)}\n`)),
  });
  process.stdout.write(values.json ? `${JSON.stringify({ relays })}\n` : `\n${relays.map(summary).join('\n')}`);
  if (!relays.every(({ ok }) => ok)) process.exitCode = 1;
}

function lineOf({ stage, ok, ms }: CheckedStage): string {
  return `${mark(ok)} ${WORDS[stage].padEnd(36)}${ms} ms`;
}

/** The report on a relay for a person. */
export function summary({ relay, ok, code, message, next }: RelayReport): string {
  const step = next === null ? '' : `  ${next}\n`;
  return `${mark(ok)} ${relay}${ok ? '' : `  (${code})`}\n  ${message}\n${step}`;
}

function mark(ok: boolean): string {
  return ok ? '✓' : '✗';
}
