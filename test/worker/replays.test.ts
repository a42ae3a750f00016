/** The memory of hellos: exact, as long as they are fresh, and bounded. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HELLO_AGE_MAX } from '../../protocol/limits.ts';
import { HelloQuotas } from '../../worker/admission/quotas.ts';
import { Replays } from '../../worker/admission/replays.ts';

const random = () => crypto.getRandomValues(new Uint8Array(32));
const START = Date.UTC(2026, 11, 1);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a hello', () => {
  it('is known once it is remembered, and not before', () => {
    const replays = new Replays();
    const keys = Array.from({ length: 20_000 }, random);
    for (const key of keys) {
      expect(replays.has(key)).toBe(false);
      expect(replays.remember(key, Date.now())).toBe(true);
    }
    expect(keys.every((key) => replays.has(key))).toBe(true);
    expect(Array.from({ length: 1000 }, random).some((key) => replays.has(key))).toBe(false);
  });

  it.each([-HELLO_AGE_MAX, 0, HELLO_AGE_MAX])('dated %i ms off is known for as long as it is fresh', (offset) => {
    const replays = new Replays(100);
    const key = random();
    replays.remember(key, START + offset);
    vi.setSystemTime(START + offset + HELLO_AGE_MAX);
    for (let at = 0; at < 1000; at += 1) replays.remember(random(), Date.now());
    expect(replays.has(key)).toBe(true);
  });

  it('makes room when it is stale', () => {
    const replays = new Replays(2000);
    let remembered = 0;
    while (replays.remember(random(), Date.now())) remembered += 1;
    expect(remembered).toBeGreaterThan(1800);
    expect(remembered).toBeLessThanOrEqual(2000);
    vi.setSystemTime(START + HELLO_AGE_MAX + 3000);
    for (let at = 0; at < remembered; at += 1) expect(replays.remember(random(), Date.now())).toBe(true);
  });

  it('is not forgotten by a memory that is full', () => {
    const replays = new Replays(1000);
    const first = random();
    replays.remember(first, Date.now());
    while (replays.remember(random(), Date.now()));
    for (let at = 0; at < 5000; at += 1) replays.remember(random(), Date.now());
    expect(replays.has(first)).toBe(true);
  });

  it('made so that all fall together takes no longer', () => {
    const alike = Array.from({ length: 20_000 }, (_, at) => {
      const key = new Uint8Array(32);
      new DataView(key.buffer).setUint32(0, at << 12);
      return key;
    });
    const replays = new Replays();
    for (const key of alike) replays.remember(key, Date.now());
    expect(alike.every((key) => replays.has(key))).toBe(true);
  });
});

describe('ten minutes at the highest rate that quotas admit', () => {
  it('leave room for others', () => {
    const [replays, quotas] = [new Replays(), new HelloQuotas()];
    const invite = { id: new Uint8Array(6), expires: 0, sessions: 0, backends: '' };
    const counts = { good: 0, limited: 0, stranger: 0, full: 0 };
    for (let second = 0; second < 600; second += 1) {
      vi.setSystemTime(START + second * 1000);
      // A hundred sources of one invite, and far more than it may send.
      for (let hello = 0; hello < 500; hello += 1) {
        const quota = quotas.count({ invite, source: `${hello % 100}` });
        counts[quota] += 1;
        // Dated ahead as far as may be, so that it is remembered for longest.
        if (quota !== 'stranger' && !replays.remember(random(), Date.now() + HELLO_AGE_MAX)) counts.full += 1;
      }
      const honest = { invite: { ...invite, id: new Uint8Array(6).fill(1) }, source: 'honest' };
      expect(quotas.count(honest)).toBe('good');
      expect(replays.remember(random(), Date.now())).toBe(true);
    }
    expect(counts).toEqual({ good: 30_000, limited: 30_000, stranger: 240_000, full: 0 });
  });

  it('are not counted for those who cannot be told apart', () => {
    const quotas = new HelloQuotas();
    expect(new Set(Array.from({ length: 10_000 }, () => quotas.count({})))).toEqual(new Set(['good']));
  });

  it('begin anew with each minute, for each source', () => {
    const quotas = new HelloQuotas();
    const all = () => Array.from({ length: 2500 }, () => quotas.count({ source: 'a' }));
    const first = all();
    expect([first.indexOf('limited'), first.indexOf('stranger')]).toEqual([1200, 2400]);
    expect(quotas.count({ source: 'b' })).toBe('good');
    vi.setSystemTime(START + 60_000);
    expect(all().indexOf('limited')).toBe(1200);
  });
});
