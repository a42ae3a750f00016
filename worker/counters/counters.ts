/**
 * The Worker's side of what is counted: what its isolates see, plain sessions and checks, they hand to the first hub; and what
 * all hubs have counted is put together here.
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

/** An isolate gathers for so long before it hands its counts to a hub: the platform lets an invocation go on for 30 s after its
 * client is gone (https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil), of which LINGER may be the session's. Each
 * handing over is a request. */
export const COUNTS_GATHERED = 15_000;

/** What a hub has counted is waited for so long: it is one read of a small table, on the other side of the earth at most. */
export const HUB_ANSWER_TIMEOUT = 3000;

/** What the page of an open relay shows is asked for so often by each isolate: it changes once a day. */
export const PUBLIC_COUNTS_TIME = 10 * 60_000;

/** Fewer sessions are not shown there: they could be one person's. A phone opens some tens a day, so fewer than these in COUNTED_DAYS_MAX. */
const PUBLIC_SESSIONS_MIN = 10_000;

/** This isolate's. */
export const tally = new Tally();

/** Until when an invocation waits to deliver them. */
let gatheredUntil = 0;

/** Resolves when what was counted up to now is delivered, or when somebody else will do it. */
export async function deliverSoon(env: Env, config: Config): Promise<void> {
  const now = Date.now();
  if (!countingHub(env, config) || now < gatheredUntil) return;
  gatheredUntil = now + COUNTS_GATHERED;
  await new Promise((resolve) => setTimeout(resolve, COUNTS_GATHERED));
  await deliver(env, config);
}

async function deliver(env: Env, config: Config): Promise<void> {
  const counts = tally.take();
  // A hub that is overloaded takes none, and they are lost: to keep them could count them twice.
  const hub = counts && countingHub(env, config);
  if (hub) await inTime(hub.add(counts));
}

/** Nowhere, where nothing is to be counted. */
function countingHub({ HUB }: Env, config: Config): HubStub | undefined {
  return config.counters && config.hubs > 0 && HUB ? hubNumbered(0, config, HUB) : undefined;
}

// --- what all hubs have counted -----------------------------------------------------------------------------------

/** For whoever has the relay's key: every day, up to this moment. */
export async function reportOf(env: Env, config: Config): Promise<StatusReport> {
  if (!countingHub(env, config)) {
    const counters = config.counters ? 'no-hubs' : 'off';
    return { counters, hubs: 0, answered: 0, days: [] };
  }
  await deliver(env, config);
  const { days, answered } = await gather(env, config);
  return { counters: 'on', hubs: config.hubs, answered, days: days.map(inWords) };
}

/** Days of all hubs that answer, oldest first. */
async function gather({ HUB }: Env, config: Config): Promise<{ days: LedgerDay[]; answered: number }> {
  const numbers = HUB ? Array.from({ length: config.hubs }, (_, number) => number) : [];
  const answers = await Promise.all(numbers.map((number) => HUB && inTime(hubNumbered(number, config, HUB).days())));
  const heard = answers.filter((days) => days !== undefined);
  const total = new Map<string, Counts>();
  for (const { day, counts } of heard.flat()) total.set(day, sum(total.get(day) ?? {}, counts));
  const days = Array.from(total, ([day, counts]) => ({ day, counts })).sort((a, b) => (a.day < b.day ? -1 : 1));
  return { days, answered: heard.length };
}

/** What a hub answers; nothing where it is overloaded, or too slow. */
function inTime<T>(answer: Promise<T>): Promise<T | undefined> {
  return within(clock, HUB_ANSWER_TIMEOUT, answer).catch(() => undefined);
}

function inWords({ day, counts }: LedgerDay): CountedDay {
  const { sessions = 0, checks = 0, up = 0, down = 0, ...refused } = counts;
  return { day, sessions, checks, up, down, refused };
}

// --- for everybody ------------------------------------------------------------------------------------------------

/** What the page of an open relay may show. */
export interface PublicCounts {
  /** From the first that is kept to yesterday. */
  days: number;
  sessions: number;
  /** Both ways together. */
  bytes: number;
  refused: number;
}

let shown: { counts: PublicCounts | undefined; until: number } | undefined;

/**
 * Sums over whole days that are past, so that nobody can watch others come and go: rounded down to two digits, and nothing below
 * PUBLIC_SESSIONS_MIN. `undefined` where there is nothing to show. Asks the hubs every PUBLIC_COUNTS_TIME, not for every visitor.
 */
export async function publicCounts(env: Env, config: Config): Promise<PublicCounts | undefined> {
  if (config.access !== 'open' || !countingHub(env, config)) return undefined;
  const now = Date.now();
  if (shown && shown.until > now) return shown.counts;
  // Whoever comes while this one waits gets what was shown before: what it waits for is its own invocation's.
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

/** Down, to two digits, and never to less than tens: a single one is somebody's. */
function rounded(count: number): number {
  const step = 10 ** Math.max(1, Math.floor(Math.log10(Math.max(count, 1))) - 1);
  return Math.floor(count / step) * step;
}
