/** What an isolate hands to the first hub, what is put together of all hubs, and what of it an open relay may show. */
import { createExecutionContext } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Config } from '../../worker/config.ts';
import {
  COUNTS_GATHERED,
  deliverSoon,
  HUB_ANSWER_TIMEOUT,
  PUBLIC_COUNTS_TIME,
  publicCounts,
  reportOf,
  tally,
} from '../../worker/counters/counters.ts';
import type { LedgerDay } from '../../worker/counters/ledger.ts';
import type { Counts } from '../../worker/counters/tally.ts';
import type { Env } from '../../worker/env.ts';
import worker from '../../worker/index.ts';

const DAY = 24 * 60 * 60_000;

/** What one test leaves in the isolate is out of date at the next. */
let noon = Date.UTC(2026, 10, 25, 12);

beforeEach(() => {
  vi.useFakeTimers({ now: noon });
  noon += 1000 * DAY;
});

afterEach(() => {
  vi.useRealTimers();
});

type Days = () => Promise<LedgerDay[]>;

/** Hubs that answer so, by their numbers, and what they are asked and given. */
function relay(answers: Record<string, Days>, varied: Partial<Config> = {}) {
  const asked: string[] = [];
  const given: Counts[] = [];
  const get = (name: string) => ({
    add: async (counts: Counts) => void given.push({ ...counts, [name]: 1 }),
    days: () => {
      asked.push(name);
      return answers[name]?.() ?? Promise.reject(new Error('overloaded'));
    },
  });
  const namespace = { idFromName: (name: string) => name, get };
  const config = { access: 'open', counters: true, hubs: Object.keys(answers).length, ...varied } as Config;
  return { asked, given, config, env: { HUB: namespace as unknown as NonNullable<Env['HUB']> } };
}

const ago = (days: number) => new Date(Date.now() - days * DAY).toISOString().slice(0, 10);
const counted =
  (...days: [number, Counts][]): Days =>
  async () =>
    days.map(([before, counts]) => ({ day: ago(before), counts }));

describe('an isolate', () => {
  it('hands over once what many sessions have counted within COUNTS_GATHERED, and then what came later', async () => {
    const { env, config, given } = relay({ 'hub-0': counted() });
    const waiting: Promise<void>[] = [];
    for (let at = 0; at < 50; at += 1) {
      tally.add({ sessions: 1 });
      waiting.push(deliverSoon(env, config));
      await vi.advanceTimersByTimeAsync(COUNTS_GATHERED / 100);
    }
    expect([given, vi.getTimerCount()]).toEqual([[], 1]);
    await vi.advanceTimersByTimeAsync(COUNTS_GATHERED / 2);
    await Promise.all(waiting);
    tally.add({ checks: 1 });
    const later = deliverSoon(env, config);
    await vi.advanceTimersByTimeAsync(COUNTS_GATHERED);
    await later;
    expect(given).toEqual([
      { sessions: 50, 'hub-0': 1 },
      { checks: 1, 'hub-0': 1 },
    ]);
  });

  it('goes on when the invocation that would hand over was ended, or the hub takes nothing', async () => {
    const { env, config, given } = relay({ 'hub-0': counted() });
    tally.add({ sessions: 1 });
    void deliverSoon(env, config);
    vi.clearAllTimers();
    vi.setSystemTime(Date.now() + COUNTS_GATHERED);
    const next = deliverSoon(env, config);
    await vi.advanceTimersByTimeAsync(COUNTS_GATHERED);
    await next;
    expect(given).toEqual([{ sessions: 1, 'hub-0': 1 }]);
    tally.add({ sessions: 1 });
    const broken = {
      HUB: { idFromName: () => 0, get: () => ({ add: () => Promise.reject(new Error('overloaded')) }) },
    };
    const lost = deliverSoon(broken as unknown as Env, config);
    await vi.advanceTimersByTimeAsync(COUNTS_GATHERED);
    await lost;
  });

  it.each<[string, Partial<Config>, boolean]>([
    ['its counters are off', { counters: false }, true],
    ['it has no hubs', { hubs: 0 }, true],
    ['it has no binding for them', {}, false],
  ])('hands nothing over where %s', async (_, varied, bound) => {
    const { env, config, given, asked } = relay({ 'hub-0': counted([1, { sessions: 5000 }]) }, varied);
    tally.add({ sessions: 1 });
    await deliverSoon(bound ? env : {}, config);
    expect(vi.getTimerCount()).toBe(0);
    expect(await publicCounts(bound ? env : {}, config)).toBeUndefined();
    expect((await reportOf(bound ? env : {}, config)).counters).toBe(varied.counters === false ? 'off' : 'no-hubs');
    expect([given, asked]).toEqual([[], []]);
    tally.take();
  });
});

describe('a report', () => {
  it('is the sum of all hubs that answer in time, day by day, and says how many did', async () => {
    const { env, config } = relay({
      'hub-0': counted([2, { sessions: 1, up: 5 }], [0, { sessions: 2, full: 1 }]),
      'hub-1': counted([1, { checks: 1 }], [0, { sessions: 3, down: 7, full: 1, limited: 2 }]),
      'hub-2': () => Promise.reject(new Error('overloaded')),
      'hub-3': () => new Promise(() => {}),
    });
    const reporting = reportOf(env, config);
    await vi.advanceTimersByTimeAsync(HUB_ANSWER_TIMEOUT);
    const nothing = { sessions: 0, checks: 0, up: 0, down: 0, refused: {} };
    expect(await reporting).toEqual({
      counters: 'on',
      hubs: 4,
      answered: 2,
      days: [
        { ...nothing, day: ago(2), sessions: 1, up: 5 },
        { ...nothing, day: ago(1), checks: 1 },
        { ...nothing, day: ago(0), sessions: 5, down: 7, refused: { full: 2, limited: 2 } },
      ],
    });
  });

  it('has what its own isolate has not handed over yet', async () => {
    const { env, config, given } = relay({ 'hub-0': async () => [{ day: ago(0), counts: given[0] ?? {} }] });
    tally.add({ sessions: 4 });
    expect((await reportOf(env, config)).days[0]?.sessions).toBe(4);
  });
});

describe('what an open relay shows', () => {
  const USED = { sessions: 12_900, up: 123_456, down: 1_900_000, full: 11, limited: 8 };

  it('are sums over whole days that are past, rounded down to two digits', async () => {
    const { env, config } = relay({
      'hub-0': counted([9, USED], [0, { sessions: 100_000, down: 9e9 }]),
      'hub-1': counted([1, { sessions: 400 }]),
    });
    expect(await publicCounts(env, config)).toEqual({ days: 9, sessions: 13_000, bytes: 2_000_000, refused: 10 });
  });

  it('stand on its page, in the language of the visitor', async () => {
    const { env } = relay({ 'hub-0': counted([9, USED]) });
    const request = new Request('https://relay.example/?lang=es');
    const secrets = { RELAY_KEY: `${'puente'.repeat(7)}A` };
    const response = await worker.fetch(request, { ...secrets, ...env }, createExecutionContext());
    expect(await response.text()).toMatch(/<dd>12\.000<\/dd>.*<dd>2\sMB<\/dd>/s);
  });

  it.each<[string, Record<string, Days>, Partial<Config>]>([
    ['today alone', { 'hub-0': counted([0, USED]) }, {}],
    ['what one person may have done', { 'hub-0': counted([3, { sessions: 9999 }]) }, {}],
    ['nothing at all', { 'hub-0': counted() }, {}],
    ['what is not all of it', { 'hub-0': counted([3, USED]), 'hub-1': () => Promise.reject(new Error()) }, {}],
    ['what a private relay has counted', { 'hub-0': counted([3, USED]) }, { access: 'invite' }],
  ])('is not %s', async (_, answers, varied) => {
    const { env, config } = relay(answers, varied);
    expect(await publicCounts(env, config)).toBeUndefined();
  });

  it('is asked of the hubs now and then, not for each visitor', async () => {
    const { env, config, asked } = relay({ 'hub-0': counted([1, USED]) });
    const visits = Array.from({ length: 20 }, () => publicCounts(env, config));
    expect(await visits[0]).toBeDefined();
    await Promise.all(visits);
    for (const _ of Array(20).keys()) expect(await publicCounts(env, config)).toBeDefined();
    expect(asked).toEqual(['hub-0']);
    vi.setSystemTime(Date.now() + PUBLIC_COUNTS_TIME);
    await publicCounts(env, config);
    expect(asked).toEqual(['hub-0', 'hub-0']);
  });
});
