/** `npm run fuzz`: hostile input for everything that reads what others have sent. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { failuresOf, table } from './report.ts';
import type { Target } from './target.ts';
import { targets } from './targets.ts';
import { fuzz, type Row } from './watch.ts';

const NAMES = targets.map(({ name }) => name);

const HELP = `npm run fuzz [-- OPTIONS]

Gives the protocol's parsers and state machines, at both ends, what a stranger or a hostile peer may send: bytes at random, good
messages that were changed, cut and repeated, frames that break every rule. Whatever comes, they fail as documented and in no other
way, come to an end, and keep their bounds. A million cases take about six minutes.

  --cases N     of all targets together; 1000000 if not given
  --seed S      the first seed, from which everything follows; random if not given
  --only NAMES  some targets only, separated by commas:
                ${NAMES.slice(0, 6).join(' ')}
                ${NAMES.slice(6).join(' ')}
  --path P      one case only, of one target and seed, as it is written below a failure
  --json        one JSON object, the same figures
  -h, --help    this text

Exit code 0 when every case has passed, 1 when one has not, 2 for a wrong option.
`;

interface Options {
  cases: number;
  seed: number;
  path: string | undefined;
  targets: Target[];
  json: boolean;
}

function options(): Options {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string' },
      seed: { type: 'string' },
      only: { type: 'string' },
      path: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const { path, json = false } = values;
  const only = values.only?.split(',') ?? NAMES;
  const unknown = only.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new Error(`--only: "${unknown}" is no target. There are: ${NAMES.join(' ')}`);
  if (path !== undefined && !/^\d+(:\d+)*$/.test(path)) throw new Error(`--path: "${path}" is no path of a case.`);
  if (path !== undefined && (only.length > 1 || values.seed === undefined))
    throw new Error('--path: it takes one target (--only) and its --seed as well.');
  const cases = path === undefined ? whole('--cases', values.cases ?? '1000000', 1) : 1;
  const seed = whole('--seed', values.seed ?? `${randomInt(2 ** 31)}`, -(2 ** 31));
  return { cases, seed, path, targets: targets.filter(({ name }) => only.includes(name)), json };
}

function whole(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < least || value >= 2 ** 31)
    throw new Error(`${option}: "${text}" is no number for it.`);
  return value;
}

/** One line that changes on a terminal, one every few seconds elsewhere; on standard error, so that the result can be piped. */
function progressOf(name: string, cases: number): (done: number) => void {
  let toldAt = performance.now();
  return (done) => {
    const text = `${name}: ${done.toLocaleString('en')} of ${cases.toLocaleString('en')}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
    else if (performance.now() - toldAt > 5000) {
      toldAt = performance.now();
      process.stderr.write(`${text}\n`);
    }
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

const { seed, path } = chosen;
const start = performance.now();
const rows: Row[] = [];
const weights = chosen.targets.reduce((sum, { weight }) => sum + weight, 0);
for (const { name, weight } of chosen.targets) {
  const cases = Math.ceil((chosen.cases * weight) / weights);
  rows.push(await fuzz(name, { cases, seed, path }, progressOf(name, cases)));
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
const seconds = (performance.now() - start) / 1000;
const cases = rows.reduce((sum, row) => sum + row.cases, 0);
if (chosen.json) process.stdout.write(`${JSON.stringify({ seed, cases, seconds, rows }, null, 2)}\n`);
else
  process.stdout.write(`${table(rows)}
${rows.map(failuresOf).join('')}
${cases.toLocaleString('en')} cases from seed ${seed}, in ${Math.round(seconds)} s, with Node ${process.version}.
`);
process.exit(rows.every(({ failures }) => failures.length === 0) ? 0 : 1);
