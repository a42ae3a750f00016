/** What a hub writes of what it has counted, how often, and for how long it keeps it. */
import { env, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { PuenteError } from '../../protocol/errors.ts';
import { type Admitted, admit, handOver } from '../../worker/admission/admission.ts';
import { COUNTED_DAYS_MAX, COUNTS_WRITTEN_EVERY, Ledger } from '../../worker/counters/ledger.ts';
import type { Env } from '../../worker/env.ts';
import { Hub } from '../../worker/session/hub.ts';
import { PrivateRelay } from '../support/fixtures/private-relay.ts';

const DAY = 24 * 60 * 60_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'], now: Date.UTC(2026, 10, 25, 12) });
});

afterEach(() => {
  vi.useRealTimers();
});

/** The storage of a new object, and how many rows were written to it. */
async function onStorage(test: (storage: DurableObjectStorage, written: () => number) => Promise<void>): Promise<void> {
  const { HUB } = env as Env;
  if (!HUB) throw new Error('wrangler.toml has the hubs');
  await runInDurableObject(HUB.get(HUB.newUniqueId()), (_, { storage }) => {
    const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
    const exec: SqlStorage['exec'] = (query, ...bindings) => {
      const cursor = storage.sql.exec(query, ...bindings);
      cursors.push(cursor);
      return cursor as never;
    };
    // It makes a table at first, which takes rows of its own.
    new Ledger(storage).days();
    const counting = { sql: { exec } } as unknown as DurableObjectStorage;
    return test(counting, () => cursors.reduce((rows, { rowsWritten }) => rows + rowsWritten, 0));
  });
}

/** A session that lasts until it is told to end. */
function session(ledger: Ledger) {
  const carried = { up: 0, down: 0 };
  let end = () => {};
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const run = ledger.during(() => ledger.tally.follow(carried, () => over));
  return {
    carry(up: number, down: number) {
      carried.up += up;
      carried.down += down;
    },
    end() {
      end();
      return run;
    },
  };
}

const refusal = () => Promise.reject(new PuenteError('full'));
const today = (counts: object) => [{ day: '2026-11-25', counts }];

describe('a hub', () => {
  it('writes a row a minute, however many sessions come and go, and one when the last has ended', () =>
    onStorage(async (storage, written) => {
      const ledger = new Ledger(storage);
      const long = session(ledger);
      for (let minute = 1; minute <= 3; minute += 1) {
        for (let at = 0; at < 100; at += 1) await session(ledger).end();
        await ledger.during(refusal).catch(() => {});
        expect(written()).toBe(minute - 1);
        vi.advanceTimersByTime(COUNTS_WRITTEN_EVERY);
        expect(written()).toBe(minute);
      }
      long.carry(1, 2);
      await long.end();
      expect(written()).toBe(4);
      expect(new Ledger(storage).days()).toEqual(today({ sessions: 301, full: 3, up: 1, down: 2 }));
      expect(written()).toBe(4);
    }));

  it('writes nothing while nothing happens, and sets no timer without a session', () =>
    onStorage(async (storage, written) => {
      const ledger = new Ledger(storage);
      const idle = session(ledger);
      const [first, second] = [session(ledger), session(ledger)];
      await first.end();
      vi.advanceTimersByTime(60 * COUNTS_WRITTEN_EVERY);
      expect([written(), vi.getTimerCount()]).toEqual([1, 1]);
      await second.end();
      await idle.end();
      await ledger.during(refusal).catch(() => {});
      ledger.add({ sessions: 1 });
      expect(vi.getTimerCount()).toBe(0);
    }));

  it('writes what a long session has carried before it ends, each byte once', () =>
    onStorage(async (storage) => {
      const ledger = new Ledger(storage);
      const long = session(ledger);
      for (const total of [10, 20]) {
        long.carry(10, 100);
        vi.advanceTimersByTime(COUNTS_WRITTEN_EVERY);
        expect(new Ledger(storage).days()).toEqual(today({ sessions: 1, up: total, down: 10 * total }));
      }
      await long.end();
      expect(ledger.days()).toEqual(today({ sessions: 1, up: 20, down: 200 }));
    }));

  it('adds what isolates have counted, at once where it has no session that would write it later', () =>
    onStorage(async (storage, written) => {
      const ledger = new Ledger(storage);
      ledger.add({ sessions: 2, limited: 1 });
      ledger.add({ sessions: 3, up: 7 });
      expect([written(), new Ledger(storage).days()]).toEqual([2, today({ sessions: 5, limited: 1, up: 7 })]);
      const open = session(ledger);
      ledger.add({ sessions: 1 });
      expect(written()).toBe(2);
      await open.end();
    }));

  it('keeps COUNTED_DAYS_MAX days', () =>
    onStorage(async (storage) => {
      const ledger = new Ledger(storage);
      for (let day = 0; day < COUNTED_DAYS_MAX + 20; day += 1) {
        if (day > 0) vi.setSystemTime(Date.now() + DAY);
        ledger.add({ sessions: day });
      }
      const days = ledger.days();
      expect(days.length).toBe(COUNTED_DAYS_MAX);
      expect([days[0]?.counts, days.at(-1)?.counts]).toEqual([{ sessions: 20 }, { sessions: COUNTED_DAYS_MAX + 19 }]);
      const rows = storage.sql.exec('SELECT day FROM days').toArray();
      expect(rows.length).toBe(COUNTED_DAYS_MAX);
      // Nobody comes any more, so nothing is written.
      vi.setSystemTime(Date.now() + DAY);
      expect(ledger.days().length).toBe(COUNTED_DAYS_MAX - 1);
    }));

  it('forgets all of them when its counters are turned off', () =>
    onStorage(async (storage) => {
      const ledger = new Ledger(storage);
      ledger.add({ sessions: 1 });
      ledger.forget();
      ledger.forget();
      expect(storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'days'").toArray()).toEqual([]);
    }));

  it('does so with the next hello', async () => {
    vi.useRealTimers();
    const of = new PrivateRelay(inject('backend'), 'any://127.0.0.1:9');
    const { HUB } = env as Env;
    await runInDurableObject(HUB?.get(HUB.newUniqueId()) as DurableObjectStub, async (_, state) => {
      const counting = new Hub(state, of.vars);
      await counting.add({ sessions: 1 });
      expect(counting.days().map(({ counts }) => counts)).toEqual([{ sessions: 1 }]);
      const settings = { ...of.vars, COUNTERS: 'off' };
      const headers = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': (await of.valid({ resumable: true })()) ?? '' };
      const admitted = await admit(new Request('https://relay.example/', { headers }), settings);
      const off = new Hub(state, settings);
      const response = await off.fetch(handOver(admitted as Admitted));
      expect(response.status).toBe(101);
      await off.add({ sessions: 1 });
      expect(state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'days'").toArray()).toEqual([]);
      response.webSocket?.accept();
      response.webSocket?.close();
    });
  });

  it('holds sessions also where it cannot write', async () => {
    const storage = {
      get sql(): never {
        throw new Error('none of SQLite’s');
      },
    };
    const ledger = new Ledger(storage as unknown as DurableObjectStorage);
    const open = session(ledger);
    vi.advanceTimersByTime(COUNTS_WRITTEN_EVERY);
    await open.end();
    ledger.forget();
    // And says that it does not know.
    expect(() => ledger.days()).toThrow();
  });
});
