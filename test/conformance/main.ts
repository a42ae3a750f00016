/** `npm run conformance`: which rules of the protocol a client, or a relay, is seen to keep. */
import { parseArgs } from 'node:util';
import { commandClient } from './command.ts';
import type { Side } from './judge/rules.ts';
import { rowsOf, table } from './report.ts';
import { clientScenarios, type Outcome, type RunOptions, relayScenarios, testClient, testRelay } from './run.ts';
import { ownBackend } from './trial/own-backend.ts';
import { Target } from './trial/target.ts';

/** Where this tool listens, for relays on this machine. */
const OWN_BACKEND = '127.0.0.1:4007';

const HELP = `npm run conformance -- client 'COMMAND {link} {backend}' [OPTIONS]
npm run conformance -- relay LINK [OPTIONS]

Plays scenarios against a client or a relay of Puente's protocol, whoever wrote it, and says of each rule of docs/protocol.md
whether it was kept, broken, or not seen: what a peer can see on the wire, and no more.

  client   COMMAND, one program and its arguments, is run for each scenario, with the link of a relay that this tool plays. Its
           standard input and output are the stream to {backend}, each of which ends when its direction does; it ends with 0
           after a complete end of the session, with anything else otherwise.
  relay    LINK is the relay's. It has to carry connections to the backend, which may begin with any bytes: with
           "any://${OWN_BACKEND}" in its BACKENDS, say, for a relay on this machine.

  --backend HOST:PORT  an echo server that the relay reaches; less can be seen with it. Without this the tool is the backend
                       itself, on ${OWN_BACKEND}
  --only TEXT          the scenarios whose name has this in it
  --json               one JSON object
  -h, --help           this text

Exit code 0 when no rule was broken, 1 when one was, 2 for a wrong option.
`;

/** A network with a delay of half a second, and a process that takes its time to start. */
const PATIENCE = 5000;
const AT_A_TIME = 8;

interface Chosen {
  side: Side;
  subject: string;
  backend: string | undefined;
  only: string;
  json: boolean;
}

function chosen(): Chosen {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      backend: { type: 'string' },
      only: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const [side, subject, ...more] = positionals;
  if ((side !== 'client' && side !== 'relay') || subject === undefined || more.length > 0) throw new Error(HELP);
  const { backend, only, json } = values;
  if (side === 'client' && !/\{link\}/.test(subject)) throw new Error('The command has no {link} in it.');
  if (backend !== undefined && !/:\d+$/.test(backend)) throw new Error(`--backend: "${backend}" is no HOST:PORT.`);
  const scenarios: { name: string }[] = side === 'client' ? clientScenarios : relayScenarios;
  if (!scenarios.some(({ name }) => name.includes(only)))
    throw new Error(
      `--only: no scenario has "${only}" in its name. There are:\n${scenarios.map(({ name }) => `  ${name}`).join('\n')}`,
    );
  return { side, subject, backend, only, json };
}

/** One line that changes on a terminal, and none elsewhere. */
function progress(total: number): (scenario: string) => void {
  let count = 0;
  return (scenario) => {
    count += 1;
    if (process.stderr.isTTY)
      process.stderr.write(`\r\x1b[K${count === total ? '' : `${count} of ${total}: ${scenario}`}`);
  };
}

function run({ side, subject, backend, only }: Chosen): Promise<Outcome> {
  const of = <T extends { name: string }>(scenarios: T[]): [T[], RunOptions] => {
    const some = scenarios.filter(({ name }) => name.includes(only));
    return [some, { most: AT_A_TIME, patience: PATIENCE, done: progress(some.length) }];
  };
  if (side === 'client') {
    const [scenarios, options] = of(clientScenarios);
    return testClient(scenarios, commandClient(subject), options);
  }
  return runRelay(subject, backend, ...of(relayScenarios));
}

async function runRelay(
  link: string,
  backend: string | undefined,
  ...[scenarios, options]: [typeof relayScenarios, RunOptions]
): Promise<Outcome> {
  if (backend !== undefined) return testRelay(scenarios, new Target(link, backend), options);
  const own = await ownBackend(OWN_BACKEND);
  return testRelay(scenarios, new Target(link, own.address, own), options);
}

try {
  const options = chosen();
  const outcome = await run(options);
  const rows = rowsOf(options.side, outcome);
  process.stdout.write(
    options.json ? `${JSON.stringify({ rules: rows, left: outcome.left }, null, 2)}\n` : table(rows, outcome),
  );
  process.exit(rows.some(({ verdict }) => verdict === 'broken') ? 1 : 0);
} catch (error) {
  process.stderr.write(`${(error as Error).message.trimEnd()}\n`);
  process.exit(2);
}
