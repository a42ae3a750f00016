/** `npm run lab`: what gets through networks that censor, over Puente and over a plain TLS relay. */
import { parseArgs } from 'node:util';
import { workerdPids } from '../support/proc.ts';
import { allAtOnce } from './all-at-once.ts';
import { aways } from './away.ts';
import { forged } from './forged.ts';
import { hundreds } from './hundred.ts';
import { type Check, openLab } from './lab.ts';
import { lostHubs } from './lost-hub.ts';
import { HEAD, lineOf, type Outcome } from './row.ts';
import { runScenario } from './run.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import { told } from './told.ts';

const HELP = `npm run lab [-- OPTIONS]

Runs real conversations and transfers through a middlebox that cuts, freezes, slows and filters connections, over Puente's
relay and over a plain TLS relay (HAProxy where it is installed), and says what arrived: bytes, how often a carrier was opened,
and the longest time in milliseconds in which nothing arrived at either end of any stream, between the first arrival and the
last; on a path with delay that is never below a round trip. Then what an app sees where something else is lost: its relay, its
hub, the name; there the time is from when the relay answers again until another connection has carried something.

  --only TEXT  the scenarios whose name has this in it
  --json       one JSON array
  -h, --help   this text

A scenario that fails says why, and the next is run.

Exit code 0 when over Puente everything arrived, and where nothing can arrive the app was told so; 1 otherwise, or where a
scenario failed; 2 for a wrong option.
`;

const checks: Check[] = [...lostHubs, ...aways, forged, allAtOnce, ...hundreds];

function options(): { chosen: (Scenario | Check)[]; json: boolean } {
  try {
    const { values } = parseArgs({
      options: { only: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    const { only = '', json = false } = values;
    const all = [...scenarios(1), ...checks];
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
const lab = await openLab();

async function* outcomes(): AsyncGenerator<Outcome> {
  for (const one of chosen) {
    if (json) process.stderr.write(`${one.name}\n`);
    if ('run' in one) yield told(one.name, 'puente', () => one.run(lab), one.deadline);
    else
      for (const relay of ['puente', 'tls'] as const) yield told(one.name, relay, () => runScenario(one, relay, lab));
  }
}

const all: Outcome[] = [];
if (!json) process.stdout.write(`${HEAD}\n`);
for await (const outcome of outcomes()) {
  all.push(outcome);
  if (!json) process.stdout.write(`${lineOf(outcome.row)}\n`);
}
const rows = all.map(({ row }) => row);
if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
// Those of a scenario that hangs.
for (const pid of workerdPids()) process.kill(pid, 'SIGKILL');
const unexpected = all.filter(({ asExpected }) => !asExpected);
for (const { row } of unexpected) process.stderr.write(`Not as expected: ${row.scenario}, ${row.relay}: ${row.note}\n`);
process.exit(unexpected.length === 0 ? 0 : 1);
