/** A session on a path that carries only so much: what it sends there, when it falls silent, when it moves on. */
import { describe, expect, test } from 'vitest';
import { costOf } from '../../protocol/carrier/carrier.ts';
import { KEEPALIVE, PACKET_DATA, RECORD_COST_MIN, STALL_MIN, STALL_MIN_LIMITED, TAG } from '../../protocol/limits.ts';
import { encodeFrames, type Frame } from '../../protocol/session/frames.ts';
import { type ConnectOptions, type End, Pair } from '../support/network/simulation.ts';

const DELAY = 50;

function joined(options: ConnectOptions): Pair {
  const pair = new Pair();
  for (const end of pair.ends) {
    end.resumable = true;
    end.log = [];
  }
  pair.join({ delay: DELAY, ...options });
  return pair;
}

function say(end: End, length: number): void {
  expect(end.write(new Uint8Array(length))).toBe(length);
  end.session.flush();
}

const records = (end: End): Frame[][] => (end.log ?? []).map(({ frames }) => frames);
const cost = (frames: Frame[]): number => costOf(encodeFrames(frames).length + TAG);
const spent = (end: End): number => records(end).reduce((sum, frames) => sum + cost(frames), 0);
const dataIn = (frames: Frame[]): number =>
  frames.reduce((sum, frame) => sum + (frame.type === 'data' ? frame.bytes.length : 0), 0);

describe.each(['client', 'relay'] as const)('the %s', (name) => {
  test('fills packets, pads nothing, and stops where its allowance ends', () => {
    const allowance = 8000;
    const pair = joined({ allowance });
    pair.timeline.runFor(1000);
    say(pair[name], 20_000);
    pair.timeline.runFor(1000);
    const data = records(pair[name]).map(dataIn);
    expect(Math.max(...data)).toBeGreaterThan(PACKET_DATA - 20);
    expect(Math.max(...data)).toBeLessThanOrEqual(PACKET_DATA);
    expect(
      records(pair[name])
        .flat()
        .map(({ type }) => type),
    ).not.toContain('pad');
    // No further record was allowed, and the last was.
    expect(allowance - spent(pair[name])).toBeLessThan(RECORD_COST_MIN);
    expect(allowance - spent(pair[name]) + cost(records(pair[name]).at(-1) ?? [])).toBeGreaterThanOrEqual(
      RECORD_COST_MIN,
    );
  });

  test('is silent from then on, and sends the rest on the next carrier', () => {
    const pair = joined({ allowance: 4000 });
    say(pair[name], 20_000);
    pair.timeline.runFor(1000);
    const sent = records(pair[name]).length;
    pair.timeline.runFor(4 * KEEPALIVE);
    expect(records(pair[name]).length).toBe(sent);
    expect(pair.peerOf(pair[name]).arrived).toBeLessThan(4000);
    pair.join({ delay: DELAY });
    pair.timeline.runFor(1000);
    expect(pair.peerOf(pair[name]).arrived).toBe(20_000);
    expect(pair.ends.flatMap(({ outcomes }) => outcomes)).toEqual([]);
  });
});

test('a carrier without an allowance carries the same in one record, with padding', () => {
  const pair = joined({});
  say(pair.client, 20_000);
  pair.timeline.runFor(1000);
  expect(records(pair.client).map(dataIn).filter(Boolean)).toEqual([20_000]);
  expect(
    records(pair.client)
      .flat()
      .map(({ type }) => type),
  ).toContain('pad');
});

describe('a client that gets no answer', () => {
  const stalledAfter = (options: ConnectOptions): number | undefined => {
    const pair = joined(options);
    let at: number | undefined;
    pair.client.onStalled = () => {
      at ??= pair.timeline.now;
    };
    const since = pair.timeline.now;
    say(pair.client, 2000);
    pair.timeline.runFor(20_000);
    return at === undefined ? undefined : at - since;
  };

  test('takes the carrier for frozen sooner where carriers are known to freeze', () => {
    expect(stalledAfter({ carries: 0 })).toBe(STALL_MIN);
    expect(stalledAfter({ carries: 0, allowance: 8000 })).toBe(STALL_MIN_LIMITED);
    expect(stalledAfter({ allowance: 8000 })).toBeUndefined();
  });

  test('waits in silence once it may send no more: the next carrier is on its way', () => {
    expect(stalledAfter({ carries: 0, allowance: 1500 })).toBeUndefined();
  });
});
