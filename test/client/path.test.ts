/** What is learned of a network that freezes connections, with a clock of the test's. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALLOWANCE_MAX,
  ALLOWANCE_MIN,
  CarrierUsage,
  GROWTH_PAUSE,
  HANDSHAKE_GAP,
  Path,
  SUSPICION_TIME,
  UNLIMITED,
} from '../../client/carriers/path.ts';
import type { Carrier } from '../../protocol/carrier/carrier.ts';
import { RECORD_COST_MIN } from '../../protocol/limits.ts';

let now: number;
let due: { at: number; run: () => void }[];
let path: Path;

beforeEach(() => {
  now = 1000;
  due = [];
  path = new Path({
    now: () => now,
    after(ms, run) {
      due.push({ at: now + ms, run });
      return () => {};
    },
  });
});

/** A carrier that carried so much under what the path allows now. */
function used(carried: number, { since = now, given = path.allowance(0.5) } = {}): CarrierUsage {
  const carrier = { sent: 0, heard: carried } as Carrier;
  const usage = new CarrierUsage(carrier, given, since);
  usage.heard();
  return usage;
}

const limit = () => path.allowance(0.5).up + path.allowance(0.5).down;

/** The next carriers freeze, one after the other. */
function learn(carried: number): void {
  path.froze(used(carried));
  now += 1000;
  const next = used(carried);
  now += 1000;
  path.froze(next);
}

describe('a limit', () => {
  it('is not known after one carrier that froze', () => {
    path.froze(used(9000));
    expect([path.isLimited, path.isSuspect]).toEqual([false, true]);
    expect(path.allowance(0.5)).toBe(UNLIMITED);
    now += SUSPICION_TIME;
    expect(path.isSuspect).toBe(false);
  });

  it('is known after a second one that began later: the lesser of the two, but a useful one', () => {
    path.froze(used(12_000));
    now += 1000;
    const next = used(9000);
    now += 1000;
    path.froze(next);
    expect([path.isLimited, limit()]).toEqual([true, 9000]);
  });

  it('is never so small that nothing would fit', () => {
    learn(100);
    expect(limit()).toBe(ALLOWANCE_MIN);
  });

  it('is not learned from two that froze at once, or far apart, or late', () => {
    const [one, other] = [used(9000), used(9000)];
    now += 5000;
    path.froze(one);
    path.froze(other);
    expect(path.isLimited).toBe(false);
    now += SUSPICION_TIME;
    path.froze(used(9000));
    expect(path.isLimited).toBe(false);
    now += 2 * SUSPICION_TIME;
    learn(ALLOWANCE_MAX + 1);
    expect(path.isLimited).toBe(false);
  });

  it('grows by a quarter with each carrier that carried it, until one freezes; then not for ten minutes', () => {
    learn(8000);
    path.held(used(8000));
    expect(limit()).toBe(10_000);
    path.froze(used(9000));
    expect(limit()).toBe(8000);
    now += GROWTH_PAUSE - 1;
    path.held(used(8000));
    expect(limit()).toBe(8000);
    now += 1;
    path.held(used(8000));
    expect(limit()).toBe(10_000);
  });

  it('does not grow with a carrier that had less, or of which little was answered', () => {
    learn(8000);
    const before = used(8000);
    path.held(used(3000));
    expect(limit()).toBe(8000);
    path.held(used(8000));
    path.held(before);
    expect(limit()).toBe(10_000);
    // Nor with one that had no limit, and was left before it came to this one.
    path.held(used(9999, { given: UNLIMITED }));
    expect(limit()).toBe(10_000);
    path.held(used(10_000, { given: UNLIMITED }));
    expect(limit()).toBe(12_500);
  });

  it('shrinks by half at once where nothing was answered, but not for a carrier that had more', () => {
    learn(40_000);
    const before = path.allowance(0.5);
    path.froze(used(0));
    expect(limit()).toBe(20_000);
    path.froze(used(0, { given: before }));
    path.froze(used(0, { given: UNLIMITED }));
    expect(limit()).toBe(20_000);
  });

  it('is not taken for less than a part of what has been carried: it may be time that freezes connections', () => {
    learn(20_000);
    path.held(used(60_000, { given: UNLIMITED }));
    for (let frozen = 0; frozen < 20; frozen += 1) path.froze(used(0));
    expect(limit()).toBe(12_000);
  });

  it('is tried again sooner on another network, and forgotten where there is none', () => {
    learn(8000);
    path.froze(used(7000));
    path.changed();
    for (let carriers = 0; carriers < 30 && path.isLimited; carriers += 1) path.held(used(limit()));
    expect(path.isLimited).toBe(false);
  });

  it('can be given, and what was learned stays', () => {
    path.tune({ limit: 9000 });
    path.tune({ limit: 20_000 });
    expect(limit()).toBe(9000);
  });

  it('is divided as the last carrier was used, with something for either direction', () => {
    path.tune({ limit: 9000 });
    expect(path.allowance(0.5)).toEqual({ up: 4500, down: 4500 });
    expect(path.allowance(1)).toEqual({ up: 3000, down: 6000 });
    expect(path.allowance(0)).toEqual({ up: 6000, down: 3000 });
  });

  it('is told to those who watch, as is the first suspicion', () => {
    let told = 0;
    const stop = path.watch(() => {
      told += 1;
    });
    learn(9000);
    expect(told).toBe(2);
    now += SUSPICION_TIME;
    expect(path.isSuspect).toBe(false);
    // Others may have frozen with it, also where a limit is known: it may be time that freezes them.
    path.froze(used(9000));
    expect([told, path.isSuspect]).toEqual([3, true]);
    stop();
    path.froze(used(9000));
    expect(told).toBe(3);
  });
});

describe('a carrier', () => {
  it('is nearly used up when a third of either share, or less than a record, is left', () => {
    const carrier = { sent: 0, heard: 0 };
    const usage = new CarrierUsage(carrier as Carrier, { up: 6000, down: 900 }, now);
    expect(usage.isNearlyUsedUp).toBe(false);
    carrier.sent = 4001;
    expect(usage.isNearlyUsedUp).toBe(true);
    carrier.sent = 4000;
    carrier.heard = 900 - RECORD_COST_MIN + 1;
    expect(usage.isNearlyUsedUp).toBe(true);
    expect(new CarrierUsage(carrier as Carrier, UNLIMITED, now).isNearlyUsedUp).toBe(false);
  });

  it('may be answered until the relay has used its share', () => {
    const carrier = { sent: 0, heard: 4000 - RECORD_COST_MIN };
    const usage = new CarrierUsage(carrier as Carrier, { up: 4000, down: 4000 }, now);
    expect(usage.mayBeAnswered).toBe(true);
    carrier.heard += 1;
    expect(usage.mayBeAnswered).toBe(false);
    expect(new CarrierUsage(carrier as Carrier, UNLIMITED, now).mayBeAnswered).toBe(true);
  });

  it('has certainly carried what was heard, and what was sent before the record that came before', () => {
    const carrier = { sent: 1000, heard: 700 };
    const usage = new CarrierUsage(carrier as Carrier, UNLIMITED, now);
    usage.heard();
    expect(usage.carried).toBe(700);
    carrier.sent = 5000;
    carrier.heard = 1400;
    usage.heard();
    expect(usage.carried).toBe(2400);
  });
});

describe('handshakes', () => {
  const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

  /** What is due by then. */
  async function wait(ms: number): Promise<void> {
    now += ms;
    for (const { run } of due.filter(({ at }) => at <= now)) run();
    due = due.filter(({ at }) => at > now);
    await settled();
  }

  it('run one at a time, some time apart, also after one that fails, and only where they are still wanted', async () => {
    path.tune({ limit: 16_000 });
    const begun: string[] = [];
    const endings: (() => void)[] = [];
    const ask = (name: string, isWanted = true) =>
      path
        .inTurn(
          () => isWanted,
          () => {
            begun.push(name);
            return new Promise<void>((_, reject) => endings.push(() => reject(new Error(name))));
          },
        )
        .catch(() => {});
    for (const name of ['a', 'b']) void ask(name);
    void ask('gone', false);
    void ask('c');
    await settled();
    await wait(10 * HANDSHAKE_GAP);
    expect(begun).toEqual(['a']);
    endings[0]?.();
    await settled();
    expect(begun).toEqual(['a', 'b']);
    endings[1]?.();
    await settled();
    await wait(HANDSHAKE_GAP - 1);
    expect(begun).toEqual(['a', 'b']);
    await wait(1);
    expect(begun).toEqual(['a', 'b', 'c']);
  });
});
