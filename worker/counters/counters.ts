/**
 * The Worker's side of the counts. Isolates count plain sessions and checks, and hand these counts to the first hub.
 * The Worker also adds up the counts of all hubs here.
 */
import type { CountedDay, StatusReport } from '../../protocol/permits/status.ts';
import { within } from '../../protocol/waiting.ts';
import { clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { Env } from '../env.ts';
import { type HubStub, hubNumbered } from '../session/hubs.ts';
import { DAY, dayOf } from './day.ts';
import type { LedgerDay } from './ledger.ts';
import { type Counts, sum, Tally } from './tally.ts';

/**
 * Milliseconds for which an isolate gathers counts before it hands them to a hub. Each hand-over is a request.
 * The platform lets an invocation go on for 30 s after its client is gone
 * (https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil). The session may use LINGER of the 30 s.
 */
export const COUNTS_GATHERED = 15_000;

/** Milliseconds to wait for a hub's counts: one read of a small table, on the other side of the earth at most. */
export const HUB_ANSWER_TIMEOUT = 3000;

/** Milliseconds after which an isolate asks again for the counts of an open relay's page: they change once a day. */
export const PUBLIC_COUNTS_TIME = 10 * 60_000;

/**
 * The page never shows fewer sessions: they could be one person's. A phone opens some tens a day, so one phone opens
 * fewer than this number in COUNTED_DAYS_MAX.
 */
const PUBLIC_SESSIONS_MIN = 10_000;

/** The counts of this isolate. */
export const tally = new Tally();

/** The time until which an invocation waits to deliver the counts, by `Date.now()`. */
let gatheredUntil = 0;

/** Resolves when the counts up to now are delivered, or if another invocation will deliver them. */
export async function deliverSoon(env: Env, config: Config): Promise<void> {
  const now = Date.now();
  if (!countingHub(env, config) || now < gatheredUntil) return;
  gatheredUntil = now + COUNTS_GATHERED;
  await new Promise((resolve) => setTimeout(resolve, COUNTS_GATHERED));
  await deliver(env, config);
}

async function deliver(env: Env, config: Config): Promise<void> {
  const counts = tally.take();
  // An overloaded hub takes no counts, and these counts are lost: to keep them could count them twice.
  const hub = counts && countingHub(env, config);
  if (hub) await inTime(hub.add(counts));
}

/** The hub that takes the counts; `undefined` if nothing is to be counted. */
function countingHub({ HUB }: Env, config: Config): HubStub | undefined {
  return config.counters && config.hubs > 0 && HUB ? hubNumbered(0, config, HUB) : undefined;
}

// --- what all hubs have counted -----------------------------------------------------------------------------------

/** The report for the person who has the relay's key: every day, up to this moment. */
export async function reportOf(env: Env, config: Config): Promise<StatusReport> {
  if (!countingHub(env, config)) {
    const counters = config.counters ? 'no-hubs' : 'off';
    return { counters, hubs: 0, answered: 0, days: [] };
  }
  await deliver(env, config);
  const { days, answered } = await gather(env, config);
  return { counters: 'on', hubs: config.hubs, answered, days: days.map(inWords) };
}

/** The days of all hubs that answer, oldest first. */
async function gather({ HUB }: Env, config: Config): Promise<{ days: LedgerDay[]; answered: number }> {
  const numbers = HUB ? Array.from({ length: config.hubs }, (_, number) => number) : [];
  const answers = await Promise.all(numbers.map((number) => HUB && inTime(hubNumbered(number, config, HUB).days())));
  const heard = answers.filter((days) => days !== undefined);
  const total = new Map<string, Counts>();
  for (const { day, counts } of heard.flat()) total.set(day, sum(total.get(day) ?? {}, counts));
  const days = Array.from(total, ([day, counts]) => ({ day, counts })).sort((a, b) => (a.day < b.day ? -1 : 1));
  return { days, answered: heard.length };
}

/** A hub's answer; `undefined` if the hub is overloaded or too slow. */
function inTime<T>(answer: Promise<T>): Promise<T | undefined> {
  return within(clock, HUB_ANSWER_TIMEOUT, answer).catch(() => undefined);
}

function inWords({ day, counts }: LedgerDay): CountedDay {
  const { sessions = 0, checks = 0, up = 0, down = 0, ...refused } = counts;
  return { day, sessions, checks, up, down, refused };
}

// --- for everybody ------------------------------------------------------------------------------------------------

/** The counts that the page of an open relay may show. */
export interface PublicCounts {
  /** The number of days from the first day that is kept to yesterday. */
  days: number;
  sessions: number;
  /** Bytes of both directions together. */
  bytes: number;
  refused: number;
}

let shown: { counts: PublicCounts | undefined; until: number } | undefined;

/**
 * Sums over whole past days, so that nobody can watch others come and go. Each sum is rounded down to two digits.
 * Returns `undefined` if there is nothing to show, or fewer sessions than PUBLIC_SESSIONS_MIN. Asks the hubs every
 * PUBLIC_COUNTS_TIME, not for every visitor.
 */
export async function publicCounts(env: Env, config: Config): Promise<PublicCounts | undefined> {
  if (config.access !== 'open' || !countingHub(env, config)) return undefined;
  const now = Date.now();
  if (shown && shown.until > now) return shown.counts;
  // Show the earlier counts to requests that come during this wait: the wait belongs to this invocation alone.
  shown = { counts: shown?.counts, until: now + PUBLIC_COUNTS_TIME };
  shown.counts = await pastCounts(env, config);
  return shown.counts;
}

async function pastCounts(env: Env, config: Config): Promise<PublicCounts | undefined> {
  const today = dayOf(Date.now());
  const { days, answered } = await gather(env, config);
  const past = days.filter(({ day }) => day < today);
  const [first] = past;
  if (!first || answered < config.hubs) return undefined;
  const { sessions, up, down, refused } = inWords({ day: '', counts: sum(...past.map(({ counts }) => counts)) });
  if (sessions < PUBLIC_SESSIONS_MIN) return undefined;
  const refusals = Object.values(refused).reduce((total, count) => total + count, 0);
  return {
    days: (Date.parse(today) - Date.parse(first.day)) / DAY,
    sessions: rounded(sessions),
    bytes: rounded(up + down),
    refused: rounded(refusals),
  };
}

/** Rounds down to two digits, and at least to whole tens: a single one belongs to one person. */
function rounded(count: number): number {
  const step = 10 ** Math.max(1, Math.floor(Math.log10(Math.max(count, 1))) - 1);
  return Math.floor(count / step) * step;
}
