/** A hub's counts, a row for each day: gathered in memory, written to its SQLite now and then. */
import { DAY, dayOf } from './day.ts';
import { type Counts, sum, Tally } from './tally.ts';

/** A hub writes what it has counted so often while it has sessions, and when it has none left. A row is written each time, 1,440
 * a day of the 100,000 that the free plan has, and what the hub sends waits for some milliseconds until it is safe; and hubs that are
 * evicted forget a minute at most. */
export const COUNTS_WRITTEN_EVERY = 60_000;

/** Days that are kept: a season is seen, and a hub's table has a row for each. */
export const COUNTED_DAYS_MAX = 90;

/** One row for a day, whatever was counted on it, as each row that is written is billed; by the number of the day, which needs no index. */
const TABLE = 'CREATE TABLE IF NOT EXISTS days (day INTEGER PRIMARY KEY, counts TEXT NOT NULL)';

/** As the table has it. */
const dayNumber = (): number => Math.floor(Date.now() / DAY);

/** The last day that is not kept any more. */
const forgotten = (): number => dayNumber() - COUNTED_DAYS_MAX;

export interface LedgerDay {
  /** `2026-11-25`, UTC. */
  day: string;
  counts: Counts;
}

export class Ledger {
  readonly tally = new Tally();
  readonly #storage: DurableObjectStorage;
  /** Answers that are under way: those that hold sessions as long as the sessions. */
  #running = 0;
  #timer: number | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Runs what answers a hello, and writes while something runs: no timer of ours keeps a hub that has no sessions. */
  async during(answer: () => Promise<void>): Promise<void> {
    if (this.#running === 0) this.#timer = setInterval(() => this.#write(), COUNTS_WRITTEN_EVERY);
    this.#running += 1;
    try {
      await this.tally.during(answer);
    } finally {
      this.#running -= 1;
      if (this.#running === 0) {
        clearInterval(this.#timer);
        this.#write();
      }
    }
  }

  /** What was counted elsewhere. */
  add(counts: Counts): void {
    this.tally.add(counts);
    // It may be gone from memory before somebody comes.
    if (this.#running === 0) this.#write();
  }

  /** What is kept, oldest first, with what is not written yet. */
  days(): LedgerDay[] {
    this.#write();
    const { sql } = this.#storage;
    sql.exec(TABLE);
    // A relay that nobody uses writes nothing, and so deletes nothing.
    const kept = sql.exec<{ day: number; counts: string }>(
      'SELECT day, counts FROM days WHERE day > ? ORDER BY day',
      forgotten(),
    );
    return kept.toArray().map(({ day, counts }) => ({
      day: dayOf(day * DAY),
      counts: JSON.parse(counts),
    }));
  }

  /** All of it. */
  forget(): void {
    this.#guarded(({ sql }) => sql.exec('DROP TABLE IF EXISTS days'));
  }

  #write(): void {
    const counts = this.tally.take();
    if (!counts) return;
    const today = dayNumber();
    this.#guarded(({ sql }) => {
      sql.exec(TABLE);
      const [row] = sql.exec<{ counts: string }>('SELECT counts FROM days WHERE day = ?', today).toArray();
      const all = JSON.stringify(sum(row ? JSON.parse(row.counts) : {}, counts));
      sql.exec('INSERT INTO days VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET counts = excluded.counts', today, all);
      sql.exec('DELETE FROM days WHERE day <= ?', forgotten());
    });
  }

  /** A hub whose storage is full, or is none of SQLite's, still holds sessions. */
  #guarded(use: (storage: DurableObjectStorage) => void): void {
    try {
      use(this.#storage);
    } catch {
      // What was counted is lost.
    }
  }
}
