/** A hub's counts, a row for each day. The hub gathers counts in memory and writes them to its SQLite now and then. */
import { DAY, dayOf } from './day.ts';
import { type Counts, sum, Tally } from './tally.ts';

/**
 * Milliseconds between two writes of a hub that has sessions. A hub also writes when it has no session left. Each write
 * is a row: 1,440 rows a day, of the 100,000 that the free plan has. The hub's messages then wait for some milliseconds
 * until the row is safe. A hub that is evicted forgets a minute at most.
 */
export const COUNTS_WRITTEN_EVERY = 60_000;

/** Days that are kept: enough to see a season. A hub's table has a row for each day. */
export const COUNTED_DAYS_MAX = 90;

/**
 * One row for each day, whatever was counted on that day: each row that is written is billed. The key is the number of
 * the day, which needs no index.
 */
const TABLE = 'CREATE TABLE IF NOT EXISTS days (day INTEGER PRIMARY KEY, counts TEXT NOT NULL)';

/** The number of today, as in the table. */
const dayNumber = (): number => Math.floor(Date.now() / DAY);

/** The number of the last day that is not kept any more. */
const forgotten = (): number => dayNumber() - COUNTED_DAYS_MAX;

export interface LedgerDay {
  /** `2026-11-25`, UTC. */
  day: string;
  counts: Counts;
}

export class Ledger {
  readonly tally = new Tally();
  readonly #storage: DurableObjectStorage;
  /** Answers that are under way. An answer that holds a session is under way as long as the session. */
  #running = 0;
  #timer: number | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /**
   * Runs the answer to a hello, and writes the counts while an answer runs. No timer of ours keeps a hub in memory that
   * has no sessions.
   */
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

  /** Adds counts that were made elsewhere. */
  add(counts: Counts): void {
    this.tally.add(counts);
    // Write now: the hub may be gone from memory before the next client comes.
    if (this.#running === 0) this.#write();
  }

  /** The days that are kept, oldest first, with the counts that are not written yet. */
  days(): LedgerDay[] {
    this.#write();
    const { sql } = this.#storage;
    sql.exec(TABLE);
    // Leave out old days here: a relay that nobody uses writes nothing, and so deletes nothing.
    const kept = sql.exec<{ day: number; counts: string }>(
      'SELECT day, counts FROM days WHERE day > ? ORDER BY day',
      forgotten(),
    );
    return kept.toArray().map(({ day, counts }) => ({
      day: dayOf(day * DAY),
      counts: JSON.parse(counts),
    }));
  }

  /** Forgets all counts. */
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

  /** Ignores errors of the storage: a hub whose storage is full, or is not SQLite, still holds sessions. */
  #guarded(use: (storage: DurableObjectStorage) => void): void {
    try {
      use(this.#storage);
    } catch {
      // These counts are lost.
    }
  }
}
