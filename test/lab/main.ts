/** `npm run lab`: what gets through networks that censor, over Puente and over a plain TLS relay. */
import tls from 'node:tls';
import { parseArgs } from 'node:util';
import { makeCertificate } from '../../examples/local/certificate.ts';
import { startChatServer } from '../../examples/local/chat-server.ts';
import { bundle } from '../support/workerd.ts';
import { startBulk } from './bulk.ts';
import { converse } from './conversation.ts';
import type { Delivery } from './delivery.ts';
import { startMiddlebox } from './middlebox.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import { puenteTo, tlsTo, type Way } from './ways.ts';

const HELP = `npm run lab [-- OPTIONS]

Runs real conversations and transfers through a middlebox that cuts, freezes and slows connections, over Puente's relay and
over a plain TLS relay (HAProxy where it is installed), and says what arrived: bytes, how often a carrier was opened, and
the longest time in milliseconds from the decision to open another until it took over.

  --only TEXT  the scenarios whose name has this in it
  --json       one JSON array
  -h, --help   this text

Exit code 0 when everything arrived over Puente, 1 otherwise, 2 for a wrong option.
`;

interface Row extends Delivery {
  scenario: string;
  relay: Way['relay'];
  passed: boolean;
  recoverMs: number;
  carriers: number;
}

const MiB = 1024 * 1024;

function options(): { chosen: Scenario[]; json: boolean } {
  try {
    const { values } = parseArgs({
      options: { only: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    const { only = '', json = false } = values;
    const all = scenarios(1);
    const chosen = all.filter(({ name }) => name.includes(only));
    const names = all.map(({ name }) => `  ${name}`).join('\n');
    if (chosen.length === 0) throw new Error(`--only: no scenario has "${only}" in its name. There are:\n${names}`);
    return { chosen, json };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(2);
  }
}

const { chosen, json } = options();
const certificate = await makeCertificate();
// The relays' certificate is made for this run; conversations know the chat server's.
const chat = await startChatServer();
tls.setDefaultCACertificates([...tls.getCACertificates(), certificate.cert]);
const relay = bundle('wrangler.toml');

async function run(scenario: Scenario, kind: Way['relay']): Promise<Row> {
  const { traffic, deadline } = scenario;
  const bulk = traffic === 'conversation' ? undefined : await startBulk(traffic * MiB);
  const port = bulk?.port ?? chat.port;
  const way = kind === 'puente' ? await puenteTo(port, relay, certificate) : await tlsTo(port, certificate);
  const middlebox = await startMiddlebox(way.port, scenario.faults());
  const open = () => way.open(middlebox.port);
  try {
    const delivery = bulk ? await bulk.transfer(open(), deadline) : await converse(open, { ca: chat.ca, deadline });
    const passed = delivery.lost === 0 && delivery.duplicated === 0;
    const recoverMs = Math.round(way.recoverMs);
    return { scenario: scenario.name, relay: kind, passed, ...delivery, recoverMs, carriers: middlebox.accepted };
  } finally {
    await middlebox.close();
    await way.close();
    await bulk?.close();
  }
}

function line({ scenario, relay, passed, delivered, lost, duplicated, recoverMs, carriers }: Row): string {
  const cells = [delivered, lost, duplicated, recoverMs, carriers].map((cell) => String(cell).padStart(12));
  return `${scenario.padEnd(48)} ${relay.padEnd(7)} ${passed ? 'arrived' : 'LOST   '}${cells.join('')}`;
}

const rows: Row[] = [];
const head = `${''.padEnd(64)}${['delivered', 'lost', 'duplicated', 'recover ms', 'carriers'].map((cell) => cell.padStart(12)).join('')}`;
if (!json) process.stdout.write(`${head}\n`);
for (const scenario of chosen) {
  for (const kind of ['puente', 'tls'] as const) {
    if (json) process.stderr.write(`${scenario.name}: ${kind}\n`);
    const row = await run(scenario, kind);
    rows.push(row);
    if (!json) process.stdout.write(`${line(row)}\n`);
  }
}
if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
await chat.close();
process.exit(rows.every(({ relay, passed }) => passed || relay === 'tls') ? 0 : 1);
