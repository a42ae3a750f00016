/**
 * `npm run capacity`: computes how many people an account carries, from the bench's figures and Cloudflare's
 * allowances.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DATA_MAX, WINDOW_INITIAL } from '../protocol/limits.ts';
import { ASK_AFTER, HUB_SESSIONS_MAX } from '../worker/session/hubs.ts';

const HELP = `npm run capacity [-- FILE]

Prints docs/capacity.md's tables. FILE is what "npm run bench -- --json" printed; docs/performance.json by default.

  -h, --help  this text
`;

const MiB = 1024 * 1024;

/** The use of one person in a day. An assumption, not a measurement: change it here. */
const PERSON = {
  /** Carriers opened: when an app is woken, changes networks, or is cut off. */
  openings: 40,
  /** Messages sent, and as many messages received: text and its receipts. */
  messages: 300,
  /** MiB of pictures and voice, each way. The downloads are spread over the openings, with windows that begin small. */
  down: 15,
  up: 5,
  /** Share of people who are connected at the busiest time. */
  online: 0.3,
  /** Hours a day with a connection that is mostly silent. */
  connected: 8,
};

/** Milliseconds of CPU: for a session opened, for a message sent and one received, for a MiB. */
interface Costs {
  opening: number;
  exchange: number;
  down: number;
  up: number;
}

type Place = 'tunnel' | 'hub';

/** The costs of a session in a Worker's invocation, or in a hub. */
function costsOf(file: string, place: Place): Costs {
  const figures = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<Place, { cpu: { median: number } }>>;
  const cpu = (key: string): number => {
    const median = figures[key]?.[place]?.cpu.median;
    if (median === undefined) throw new Error(`${file} lacks "${key}": it must be of a whole run.`);
    return median;
  };
  return { opening: cpu('open'), exchange: cpu('echo200') / 1000, down: cpu('down'), up: cpu('up') };
}

// --- what Cloudflare gives (https://developers.cloudflare.com/workers/platform/pricing/ and
// https://developers.cloudflare.com/durable-objects/platform/pricing/, November 2026) --------------------------------

const FREE = { requests: 100_000, objectRequests: 100_000, gbSeconds: 13_000, cpuPerInvocation: 10 };
const PAID = { dollars: 5, requests: 10e6, cpu: 30e6, objectRequests: 1e6, gbSeconds: 400_000 };
const PRICES = { request: 0.3e-6, cpu: 0.02e-6, objectRequest: 0.15e-6, gbSecond: 12.5e-6 };
/** Incoming WebSocket messages that count as one request; outgoing messages are free. */
const MESSAGES_PER_REQUEST = 20;
const HUB_GB = 0.128;
const DAY = 86_400;
const DAYS = 30;

// --- the model ----------------------------------------------------------------------------------------------------

function perDay(costs: Costs) {
  const { openings, messages, down, up, connected } = PERSON;
  const acks = openings * acksOf((down * MiB) / openings);
  // Answers to a hub, which asks a silent client whether it is there.
  const answers = (connected * 3600) / (ASK_AFTER / 1000);
  // An upload comes in records.
  const incoming = 2 * messages + (up * MiB) / DATA_MAX + acks + answers;
  return {
    requests: openings,
    objectRequests: openings + incoming / MESSAGES_PER_REQUEST,
    cpu: openings * costs.opening + messages * costs.exchange + down * costs.down + up * costs.up,
  };
}

/**
 * The least number of ACKs for a download in a session of its own. There is an ACK for each half of a window, and a
 * window doubles when all of it was used.
 */
function acksOf(bytes: number): number {
  let [acks, left] = [0, bytes];
  for (let window = WINDOW_INITIAL; left > 0; window *= 2) {
    acks += Math.ceil(Math.min(left, window) / (window / 2));
    left -= window;
  }
  return acks;
}

function rowsOf(title: string, limits: [resource: string, people: number][]): string[] {
  const least = Math.min(...limits.map(([, people]) => people));
  return limits.map(([resource, people], at) => {
    const first = people === least ? ' **first**' : '';
    return `| ${at === 0 ? title : ''} | ${resource} | ${round(people)}${first} |`;
  });
}

function tables(costs: Costs, inHub: Costs): string {
  const day = perDay(costs);
  const hubs = FREE.gbSeconds / (HUB_GB * DAY);
  const perSession = FREE.cpuPerInvocation - costs.opening;
  const concurrent = (HUB_SESSIONS_MAX * Math.floor(hubs)) / PERSON.online;
  const free = rowsOf('free account, one hub', [
    ['Worker requests (100,000 a day)', FREE.requests / day.requests],
    ['object requests (100,000 a day; 20 messages count as one)', FREE.objectRequests / day.objectRequests],
    [`${HUB_SESSIONS_MAX} sessions at the busiest time`, concurrent],
    ['one thread: a day of CPU, a tenth of it in the busiest hour', ((3600 / 0.1) * 1000) / perDay(inHub).cpu],
  ]);
  const paidPlain = rowsOf('$5 account, plain sessions', [
    ['Worker requests (10 million a month)', PAID.requests / (day.requests * DAYS)],
    ['CPU (30 million ms a month)', PAID.cpu / (day.cpu * DAYS)],
  ]);
  const paidHub = rowsOf('$5 account, one hub', [
    ['object requests (1 million a month)', PAID.objectRequests / (day.objectRequests * DAYS)],
    [`${HUB_SESSIONS_MAX} sessions at the busiest time`, HUB_SESSIONS_MAX / PERSON.online],
  ]);
  const million = 1e6;
  const peopleHubs = Math.ceil((million * PERSON.online) / HUB_SESSIONS_MAX);
  const over = (used: number, included: number, price: number) => Math.max(0, used - included) * price;
  const bill: [string, number][] = [
    ['requests', over(million * day.requests * DAYS, PAID.requests, PRICES.request)],
    ['CPU', over(million * day.cpu * DAYS, PAID.cpu, PRICES.cpu)],
    ['object requests', over(million * day.objectRequests * DAYS, PAID.objectRequests, PRICES.objectRequest)],
    [`object duration, ${peopleHubs} hubs`, over(peopleHubs * HUB_GB * DAY * DAYS, PAID.gbSeconds, PRICES.gbSecond)],
  ];
  const total = PAID.dollars + bill.reduce((sum, [, dollars]) => sum + dollars, 0);
  const plain = bill.slice(0, 2).reduce((sum, [, dollars]) => sum + dollars, PAID.dollars);
  return `| Account | What it has | People a day |
| --- | --- | --- |
${free.join('\n')}
${paidPlain.join('\n')}
${paidHub.join('\n')}

| A plain session on the free plan | until its 10 ms of CPU are used |
| --- | --- |
| opening | ${costs.opening.toFixed(1)} ms |
| then messages there and back | ${Math.floor(perSession / costs.exchange)} |
| or a download | ${(perSession / costs.down).toFixed(1)} MiB |
| or an upload | ${(perSession / costs.up).toFixed(1)} MiB |

| 1,000,000 people, one month | $ |
| --- | --- |
${bill.map(([what, dollars]) => `| ${what} | ${round(dollars)} |`).join('\n')}
| all, with the $5 | ${round(total)}, or ${((100 * total) / million).toFixed(2)} cents each |
| without resumable sessions | ${round(plain)}, or ${((100 * plain) / million).toFixed(2)} cents each |
`;
}

/** Two significant digits. */
function round(value: number): string {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, value))) - 1);
  return (Math.floor(value / unit) * unit).toLocaleString('en-US');
}

const { values, positionals } = parseArgs({
  options: { help: { type: 'boolean', short: 'h' } },
  allowPositionals: true,
});
const recorded = fileURLToPath(new URL('../docs/performance.json', import.meta.url));
const file = positionals[0] ?? recorded;
process.stdout.write(values.help ? HELP : tables(costsOf(file, 'tunnel'), costsOf(file, 'hub')));
