/** `npm run status`: how much the relay of this folder is used. */
import { parseArgs } from 'node:util';
import { parseRelayKey } from '../../client/cli/issue-invite.ts';
import { RelayFolder } from '../../client/cli/relay-folder.ts';
import { inUnits } from '../../client/cli/status.ts';
import { PuenteError } from '../../protocol/errors.ts';
import type { CountedDay, StatusReport } from '../../protocol/permits/status.ts';
import { dayOf } from '../../worker/counters/day.ts';
import { sum } from '../../worker/counters/tally.ts';
import { askStatus } from '../relay/ask-status.ts';
import { readRelay } from '../relay/deploy-after.ts';
import { Failure } from '../terminal/failure.ts';

const help = (name: string) => `${name} [OPTIONS]

Shows how much the relay that was deployed from this folder is used: on each of the last two weeks' days, by UTC, and in all days that
it keeps (90). The relay shows it to nobody but who has its key, which is in this folder.

  --json      { "relay", "counters", "hubs", "answered", "days": [{ "day", "sessions", "checks", "up", "down", "refused" }] }; all days;
              up and down are bytes from users and to them, refused has a number for each code; counters is "on", "off" or "no-hubs"
  -h, --help  this text

Exit code: 0 when it is shown, 1 when the relay does not tell, 2 when the command is not understood.
`;

export async function run(args: string[], name: string): Promise<void> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help) return void process.stdout.write(help(name));
  const { settings, secrets } = readRelay(new RelayFolder());
  const { address } = settings;
  if (!address) throw new Failure('It was not deployed yet: npm run deploy');
  const report = await askStatus(address, parseRelayKey(secrets.RELAY_KEY)).catch((error: unknown) => {
    throw error instanceof PuenteError ? new Failure(explained(error, address)) : error;
  });
  if (report.hubs > 0 && report.answered === 0)
    throw new Failure('None of its hubs answered, where the counts are. Try again in a minute.');
  process.stdout.write(
    values.json ? `${JSON.stringify({ relay: address, ...report })}\n` : `${address}\n\n${textOf(report)}`,
  );
}

function explained({ code, message }: PuenteError, address: string): string {
  if (code === 'version') return `${address} is of a version that does not count. Bring it up to date: npm run deploy`;
  if (code !== 'not-admitted') return `${message}\nWhere it ends says: npm run doctor`;
  return `${address} does not know this folder's key, or not this question. It was not deployed since the key was changed, or since this
command came: npm run deploy. Or this machine's clock is wrong: npm run doctor`;
}

/** The sentence in place of a table. */
const NOTHING = {
  off: 'It does not count: its COUNTERS are off. To turn them on, say "COUNTERS": "on" under vars in .relay/settings.json, then: npm run deploy',
  'no-hubs': 'It does not count: it has no hubs (HUBS is 0), which keep the counts.',
  on: 'Nothing was counted yet.',
};

function textOf({ counters, days, hubs, answered }: StatusReport): string {
  const missing =
    answered < hubs ? `${answered} of ${hubs} hubs answered: what the others have counted is missing.\n` : '';
  const table = days.length > 0 ? tableOf(days) : `${NOTHING[counters]}\n`;
  return `${table}${missing && `\n${missing}`}`;
}

/** The number of days to show. */
const SHOWN = 14;

const HEAD = ['day', 'sessions', 'checks', 'up', 'down', 'refused'];

function tableOf(days: CountedDay[]): string {
  const today = dayOf(Date.now());
  const rows = days.slice(-SHOWN).map((day) => rowOf(day.day === today ? 'today' : day.day, day));
  const all = rowOf(days.length === 1 ? 'in all' : `${days.length} days`, days.reduce(together));
  const cells = [HEAD, ...rows, all];
  const widths = HEAD.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, column) => aligned(cell, column, widths))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** Aligns numbers at their ends, and words at their beginnings. */
function aligned(cell: string, column: number, widths: number[]): string {
  const isWord = column === 0 || column === HEAD.length - 1;
  return isWord ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
}

function rowOf(name: string, { sessions, checks, up, down, refused }: CountedDay): string[] {
  const codes = Object.entries(refused).map(([code, count]) => `${code} ${count}`);
  return [name, String(sessions), String(checks), inUnits(up), inUnits(down), codes.join(', ') || '0'];
}

function together(some: CountedDay, others: CountedDay): CountedDay {
  return {
    day: '',
    sessions: some.sessions + others.sessions,
    checks: some.checks + others.checks,
    up: some.up + others.up,
    down: some.down + others.down,
    refused: sum(some.refused, others.refused),
  };
}
