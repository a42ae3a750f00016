/** `npm run bench`: measures the tunnel beside the costs of the platform itself, in one run. */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { haproxyVersion } from '../test/support/servers/haproxy.ts';
import { workerdVersion } from '../test/support/servers/workerd.ts';
import { echo, idle, measure, opening, type Plan, roundTrips, stalled, throughput } from './figures.ts';
import { Lab } from './lab.ts';
import { probe, probeTable } from './probe.ts';
import { asJson, type Figures, type Key, table, targets, verdict } from './report.ts';
import { shape, shapeTable } from './shape.ts';

const KEYS: Key[] = ['down', 'up', 'down8', 'up8', 'echo200', 'echo1400', 'open', 'idle', 'stalled'];

const HELP = `npm run bench [-- OPTIONS]
npm run bench -- probe [--json]
npm run bench -- shape [--json]

Measures Puente's tunnel against the floor (a Worker that only pipes a WebSocket to a TCP socket), the same with each
message sealed, a direct connection, and HAProxy with TLS where it is installed. Prints medians with their ranges; what
counts is the ratio to the floor (the median of the repeats' ratios), as everything else depends on the machine. Takes
about eight minutes.

With \`probe\` it measures instead how long a private relay takes over strangers, beside an ordinary Worker: four minutes.
With \`shape\` it looks at the lengths and times of 200 chats as somebody on the way does, and shows how common the most common are;
and a ClientHello beside Chromium's: two minutes.

  --only KEYS  some figures only, separated by commas: ${KEYS.join(' ')}
  --repeats N  of each figure, 1 to 99; default 7, and fewer say little
  --json       one JSON object, the same figures
  -h, --help   this text

Exit code 0 when it has measured, whether or not the targets are reached; 2 for a wrong option.
`;

const REPEATS = 7;

type Other = 'probe' | 'shape';

interface Options {
  only: Key[] | Other;
  repeats: number;
  json: boolean;
}

function options(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      repeats: { type: 'string', default: `${REPEATS}` },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const [what, ...more] = positionals;
  const isOther = what === 'probe' || what === 'shape';
  if (more.length > 0 || (what !== undefined && (!isOther || values.only !== undefined)))
    throw new Error(`"${positionals.join(' ')}": there is only "probe" or "shape", without --only.`);
  const json = values.json ?? false;
  if (!/^[1-9]\d?$/.test(values.repeats))
    throw new Error(`--repeats: "${values.repeats}" is not a number from 1 to 99.`);
  const repeats = Number(values.repeats);
  if (isOther) return { only: what, repeats, json };
  const only = values.only?.split(',') ?? KEYS;
  const unknown = only.find((key) => !KEYS.includes(key as Key));
  if (unknown !== undefined) throw new Error(`--only: "${unknown}" is no figure. There are: ${KEYS.join(' ')}`);
  return { only: only as Key[], repeats, json };
}

/**
 * Writes one line that changes on a terminal, and lines elsewhere. Writes to standard error, so that the result can be
 * piped.
 */
function progress(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
}

async function measureAll(only: Key[], repeats: number): Promise<Figures> {
  progress('bundling the Workers');
  const lab = await Lab.open();
  try {
    const contestants = await lab.contestants();
    const plan: Plan = { repeats, progress };
    const figures: Record<Key, () => Promise<Figures[Key]>> = {
      down: () => measure(throughput('down', 1), contestants, plan),
      up: () => measure(throughput('up', 1), contestants, plan),
      down8: () => measure(throughput('down', 8), contestants, plan),
      up8: () => measure(throughput('up', 8), contestants, plan),
      echo200: () => measure(echo(200), contestants, plan),
      echo1400: () => measure(echo(1400), contestants, plan),
      async open() {
        // Leave out `sealed`: without a handshake its opening shows nothing.
        const others = contestants.filter(({ name }) => name !== 'sealed');
        const figure = await measure(opening, others, plan);
        for (const name of ['floor', 'tunnel', 'hub'] as const) {
          const result = figure.results[name];
          if (result) result.roundTrips = await roundTrips(lab, name);
        }
        return figure;
      },
      idle: () => idle(lab, plan),
      stalled: () => stalled(lab, plan),
    };
    const measured: Figures = {};
    for (const key of only) Object.assign(measured, { [key]: await figures[key]() });
    return measured;
  } finally {
    await lab.close();
    if (process.stderr.isTTY) progress('');
  }
}

function machine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: process.platform,
    node: process.version,
    workerd: workerdVersion(),
    haproxy: haproxyVersion() ?? 'not installed',
  };
}

const chosen = (() => {
  try {
    return options();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(2);
  }
})();

if (chosen.only === 'probe') await show(probe, probeTable, chosen.json);
else if (chosen.only === 'shape') await show(shape, shapeTable, chosen.json);
else await showFigures(chosen.only, chosen.repeats, chosen.json);

async function show<Result extends object>(
  run: (progress: (text: string) => void) => Promise<Result>,
  table: (figures: Result) => string,
  json: boolean,
): Promise<void> {
  const figures = await run(progress);
  if (process.stderr.isTTY) progress('');
  const text = json ? JSON.stringify({ machine: machine(), ...figures }, null, 2) : table(figures);
  process.stdout.write(`${text}\n`);
}

async function showFigures(only: Key[], repeats: number, json: boolean): Promise<void> {
  const start = performance.now();
  const figures = await measureAll(only, repeats);
  const seconds = Math.round((performance.now() - start) / 1000);
  if (json) {
    const result = { machine: machine(), repeats, seconds, ...asJson(figures), targets: targets(figures) };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return;
  }
  const { cpu, cores, memoryGiB, node, workerd, haproxy } = machine();
  process.stdout.write(`${table(figures)}

${verdict(targets(figures))}

Medians of ${repeats} repeats (smallest-largest), in ${seconds} s, on ${cores} cores of ${cpu}, ${memoryGiB} GiB;
Node ${node}, workerd ${workerd}, HAProxy ${haproxy}.
`);
}
