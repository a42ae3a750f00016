/** Windows, replay buffers, and the budget behind them. */
import { describe, expect, test } from 'vitest';
import { concat, toUtf8 } from '../../protocol/bytes.ts';
import { LINGER, WINDOW_GROWTH_TIME, WINDOW_INITIAL, WINDOW_MAX } from '../../protocol/limits.ts';
import type { Frame } from '../../protocol/session/frames.ts';
import {
  AT_ONCE,
  type CountedBudget,
  type End,
  NOTHING_LEFT,
  Pair,
  ReadingApp,
  WritingApp,
} from '../support/network/simulation.ts';
import { expectCode, thrown } from './helpers.ts';

const NAMES = ['client', 'relay'] as const;
const FIRST = 2 * WINDOW_INITIAL;

/** The end of the data that this end has sent. */
function sentBy(end: End): () => number {
  const log: { at: number; frames: Frame[] }[] = [];
  end.log = log;
  return () =>
    Math.max(
      0,
      ...log.flatMap(({ frames }) =>
        frames.map((frame) => (frame.type === 'data' ? frame.offset + frame.bytes.length : 0)),
      ),
    );
}

/** An end that writes more than a window to a peer that reads nothing yet. */
function writing(name: (typeof NAMES)[number]) {
  const pair = new Pair();
  pair.join();
  const end = pair[name];
  const sent = sentBy(end);
  new WritingApp(pair, end, 1, 1_000_000);
  return { pair, end, peer: pair.peerOf(end), sent };
}

describe.each(NAMES)('sent by the %s', (name) => {
  test('never more than a window past what was read', () => {
    const { pair, end, peer, sent } = writing(name);
    pair.timeline.runFor(3_600_000);
    expect(sent()).toBe(WINDOW_INITIAL);
    expect([end.over, peer.over]).toEqual([false, false]);
    // As far as it reads, so much more comes.
    let read = 0;
    while (read < 40_000) {
      const length = peer.session.take()?.length ?? 0;
      read += length;
      peer.consume(length);
      pair.timeline.runFor(10_000);
      expect(sent()).toBe(WINDOW_INITIAL + read);
    }
  });

  test('taken is not consumed: credit comes with consumed alone', () => {
    const { pair, peer, sent } = writing(name);
    pair.timeline.runFor(10_000);
    let taken = 0;
    for (let bytes = peer.session.take(); bytes; bytes = peer.session.take()) taken += bytes.length;
    pair.timeline.runFor(100_000);
    expect([taken, sent()]).toEqual([WINDOW_INITIAL, WINDOW_INITIAL]);
    peer.consume(1000);
    pair.timeline.runFor(10_000);
    expect(sent()).toBe(WINDOW_INITIAL + 1000);
  });

  test('fast: the windows grow to WINDOW_MAX and no further', () => {
    const pair = new Pair();
    pair.join({ delay: 60 });
    const end = pair[name];
    const peer = pair.peerOf(end);
    new ReadingApp(pair, peer, 1);
    new WritingApp(pair, end, 1, 60_000_000, AT_ONCE, 'leave open');
    const start = pair.timeline.now;
    while (peer.consumed < 60_000_000 && pair.timeline.step(start + 100_000))
      for (const each of pair.ends) each.check();
    expect(peer.consumed).toBe(60_000_000);
    // The sender's replay buffer and the receiver's window; the other direction has moved nothing.
    expect(pair.ends.map(({ budget }) => budget.reserved)).toEqual([
      WINDOW_MAX + WINDOW_INITIAL,
      WINDOW_MAX + WINDOW_INITIAL,
    ]);
    // A MiB each 120 ms, but for the start.
    expect(pair.timeline.now - start).toBeLessThan((60_000_000 / WINDOW_MAX) * 120 + 2000);
  });

  test('slowly: they stay as they are', () => {
    const pair = new Pair();
    pair.join();
    const end = pair[name];
    new ReadingApp(pair, pair.peerOf(end), 1);
    const gap = (WINDOW_GROWTH_TIME / WINDOW_INITIAL) * 1000 * 1.1;
    new WritingApp(pair, end, 1, 2_000_000, { size: () => 1000, gap: () => gap }, 'leave open');
    pair.timeline.runFor(200_000);
    expect(pair.peerOf(end).consumed).toBe(2_000_000);
    expect(pair.ends.map(({ budget }) => budget.peak)).toEqual([FIRST, FIRST]);
  });

  test('to a slow reader: they stay as they are', () => {
    const pair = new Pair();
    pair.join();
    const end = pair[name];
    const peer = pair.peerOf(end);
    new ReadingApp(pair, peer, 1, { size: () => 1, gap: () => WINDOW_GROWTH_TIME * 1.1 });
    new WritingApp(pair, end, 1, 1_000_000, AT_ONCE, 'leave open');
    pair.timeline.runFor(600_000);
    expect(peer.consumed).toBe(1_000_000);
    expect(pair.ends.map(({ budget }) => budget.peak)).toEqual([FIRST, FIRST]);
  });

  test('a budget that refuses growth is kept to', () => {
    const pair = new Pair(1, (budget) => {
      budget.growthMax = 0;
    });
    pair.join();
    const end = pair[name];
    const reader = new ReadingApp(pair, pair.peerOf(end), 1);
    const sent = sentBy(end);
    new WritingApp(pair, end, 1, 3_000_000);
    const stop = pair.timeline.now + 100_000;
    while (pair.timeline.step(stop)) {
      for (const each of pair.ends) each.check();
      if (end.limitTold > end.consumed + WINDOW_INITIAL) throw new Error('promised what it may not hold');
    }
    expect(sent()).toBe(3_000_000);
    expect([reader.length, reader.drained]).toEqual([3_000_000, true]);
    expect(pair.ends.map(({ budget }) => budget.peak)).toEqual([FIRST, FIRST]);
  });
});

describe('the budget', () => {
  test('that does not hold two windows: full, and nothing is reserved', () => {
    const budgets: CountedBudget[] = [];
    const error = thrown(
      () =>
        new Pair(1, (budget) => {
          budget.max = FIRST - 1;
          budgets.push(budget);
        }),
    );
    expectCode(error, 'full');
    expect(budgets.map(({ reserved }) => reserved)).toEqual([0]);
    const pair = new Pair(1, (budget) => {
      budget.max = FIRST;
    });
    expect(pair.ends.map(({ budget }) => budget.reserved)).toEqual([FIRST, FIRST]);
  });

  /** Both directions grown, and data waiting at each end. */
  function grown(): Pair {
    const pair = new Pair();
    pair.join();
    const limit = 4_000_000;
    for (const end of pair.ends) {
      const take = () => {
        for (let bytes = end.session.take(); bytes && end.consumed < limit; bytes = end.session.take())
          end.consume(bytes.length);
      };
      end.onReadable = take;
      new WritingApp(pair, end, 1, 20_000_000);
    }
    pair.timeline.runFor(20_000);
    for (const { budget } of pair.ends) expect(budget.reserved).toBeGreaterThan(FIRST);
    return pair;
  }

  const endings: [what: string, end: (pair: Pair) => void][] = [
    ['reset by the client', ({ client }) => client.session.reset('aborted')],
    ['reset by the relay', ({ relay }) => relay.session.reset('backend-reset')],
    ['abandoned by both', ({ ends }) => ends.forEach(({ session }) => void session.abandon('carrier-lost'))],
    ['closed by the client', ({ client }) => client.session.close()],
    ['closed by the relay', ({ relay }) => relay.session.close()],
    ['closed by both', ({ ends }) => ends.forEach(({ session }) => void session.close())],
    [
      'closed, with the link gone',
      ({ ends, client }) => {
        client.link?.cut({});
        for (const { session } of ends) session.close();
      },
    ],
    ['link lost', ({ client }) => client.link?.cut()],
    ['a frame that breaks the rules', ({ client }) => client.session.receive([{ type: 'fin', offset: 2 ** 50 }])],
    [
      'data past the credit',
      ({ relay }) => relay.session.receive([{ type: 'data', offset: 2 ** 50, bytes: new Uint8Array(1) }]),
    ],
  ];

  test.each(endings)('%s: all is given back, and no timer is left', (_what, finish) => {
    const pair = grown();
    finish(pair);
    pair.timeline.runFor(2 * LINGER);
    expect(pair.ends.map(({ outcomes }) => outcomes.length)).toEqual([1, 1]);
    // After a clean end, or a lost carrier, what was received may still be taken; whoever does not want it says so.
    for (const { session } of pair.ends) session.discard();
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
    for (const { session } of pair.ends) session.discard();
    pair.timeline.runFor(3_600_000);
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('after a clean end it is given back by the last take, with no discard', () => {
    const pair = new Pair();
    pair.join();
    for (const end of pair.ends) {
      end.write(concat(new Uint8Array(30_000), toUtf8('x')));
      end.session.finish();
      end.session.flush();
    }
    pair.timeline.runFor(1000);
    for (const { session, budget, outcomes } of pair.ends) {
      expect(outcomes).toEqual(['clean']);
      expect(budget.reserved).toBe(WINDOW_INITIAL);
      while (session.take());
      expect(budget.reserved).toBe(0);
    }
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
  });
});
