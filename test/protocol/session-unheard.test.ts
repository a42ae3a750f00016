/** A relay's end whose client is silent: when it asks, when it gives the carrier up, and how long a half-closed session is kept. */
import { describe, expect, test } from 'vitest';
import { toUtf8 } from '../../protocol/bytes.ts';
import {
  ANSWER_TIMEOUT,
  HALF_CLOSED_MAX,
  IDLE_MAX,
  KEEPALIVE,
  LONE_PAD_MAX,
  PADDED_RECORDS,
  TAG,
  WINDOW_INITIAL,
} from '../../protocol/limits.ts';
import { encodeFrames, type Frame } from '../../protocol/session/frames.ts';
import { relayEnd } from '../../protocol/session/relay-end.ts';
import { Session } from '../../protocol/session/session.ts';
import { ASK_AFTER } from '../../worker/session/hubs.ts';
import { CountedBudget, CountedClock, FIRST_OFFSETS, Random, Timeline } from '../support/network/simulation.ts';

interface Options {
  askAfter?: number;
  /** What is left of the carrier's allowance. */
  allowance?: number;
  /** Whether the client answers PINGs. */
  answers?: boolean;
}

function relaySession({ askAfter = ASK_AFTER, allowance, answers = true }: Options = {}) {
  const timeline = new Timeline();
  const random = new Random(1);
  const sent: { at: number; frame: Frame }[] = [];
  /** Lengths of records. */
  const records: number[] = [];
  const stalled: number[] = [];
  const ended: string[] = [];
  const session: Session = new Session({
    end: relayEnd(askAfter),
    clock: new CountedClock(timeline),
    random: (length) => random.bytes(length),
    budget: new CountedBudget(),
    events: {
      readable: () => {},
      writable: () => {},
      stalled: () => {
        stalled.push(timeline.now);
        session.detach();
      },
      ended: (code) => ended.push(code ?? 'clean'),
    },
  });
  const send = (frames: Frame[]) => {
    records.push(encodeFrames(frames).length + TAG);
    for (const frame of frames) {
      sent.push({ at: timeline.now, frame });
      if (frame.type === 'ping' && answers) {
        const pong = () => session.receive([{ type: 'pong', id: frame.id }]);
        timeline.after(50, pong);
      }
    }
  };
  const carrier = { send, close: () => {}, ...(allowance !== undefined && { allowance }) };
  session.attach(carrier, { received: 0, limit: WINDOW_INITIAL }, FIRST_OFFSETS, true);
  const hears = (...frames: Frame[]) => session.receive(frames);
  // It proves the keys.
  hears({ type: 'ack', received: 0, limit: WINDOW_INITIAL });
  const pings = () => sent.filter(({ frame }) => frame.type === 'ping').map(({ at }) => at);
  return { timeline, session, stalled, ended, hears, pings, records };
}

describe('a client that says nothing', () => {
  test('is asked with the keepalive after ASK_AFTER, and again so long after its answer', () => {
    const { timeline, pings, stalled, ended } = relaySession();
    timeline.runFor(ASK_AFTER - 1);
    expect(pings()).toEqual([]);
    timeline.runFor(KEEPALIVE);
    expect(pings()).toHaveLength(1);
    timeline.runFor(60 * 60_000);
    expect(pings().length).toBeGreaterThanOrEqual(15);
    expect(pings().length).toBeLessThanOrEqual(20);
    expect([stalled, ended]).toEqual([[], []]);
  });

  test('is asked with each keepalive where answers cost nothing', () => {
    const { timeline, pings } = relaySession({ askAfter: 0 });
    timeline.runFor(10 * KEEPALIVE + 1000);
    expect(pings().length).toBeGreaterThanOrEqual(9);
  });

  test('is given up ANSWER_TIMEOUT after it was asked, not before', () => {
    const { timeline, stalled, pings } = relaySession({ answers: false });
    timeline.runFor(ASK_AFTER + KEEPALIVE);
    expect([pings().length, stalled]).toEqual([1, []]);
    timeline.runFor(ANSWER_TIMEOUT);
    expect(stalled).toEqual([(pings()[0] ?? 0) + ANSWER_TIMEOUT]);
  });

  test('and speaks in time is not given up, whatever it says', () => {
    const { timeline, stalled, hears } = relaySession({ answers: false });
    timeline.runFor(ASK_AFTER + ANSWER_TIMEOUT - 1);
    expect(stalled).toEqual([]);
    hears({ type: 'pad', length: 1 });
    timeline.runFor(ANSWER_TIMEOUT - 1);
    expect(stalled).toEqual([]);
  });

  test('on a spent allowance is not asked, and given up at the same time', () => {
    const { timeline, stalled, pings } = relaySession({ allowance: 100 });
    timeline.runFor(ASK_AFTER + ANSWER_TIMEOUT - 1);
    expect([stalled, pings()]).toEqual([[], []]);
    timeline.runFor(1);
    expect(stalled).toHaveLength(1);
  });
});

test('an idle hour in a hub takes less than 40 KB on the wire, also over IPv6', () => {
  const { timeline, pings, records } = relaySession();
  // Without the first records, which are padded to hide other things.
  timeline.runFor(PADDED_RECORDS * KEEPALIVE);
  const asked = pings().length;
  records.length = 0;
  timeline.runFor(60 * 60_000);
  // Headers of WebSocket, TLS (header, type, tag), TCP with its timestamps, IPv6. Each packet is acknowledged by another.
  const packet = 32 + 40;
  const down = records.reduce((sum, length) => sum + 4 + length + 22 + 2 * packet, 0);
  // Masked PONGs, with the padding that they have on average.
  const up = (pings().length - asked) * (8 + 5 + 3 + LONE_PAD_MAX / 2 + TAG + 22 + 2 * packet);
  expect(records.length).toBeGreaterThan(3_600_000 / KEEPALIVE);
  expect(down + up).toBeLessThan(40_000);
});

describe('a session whose backend has finished', () => {
  function halfClosed() {
    const relay = relaySession();
    relay.session.write(toUtf8('the last'));
    relay.session.finish();
    relay.session.flush();
    return relay;
  }
  const all: Frame = { type: 'ack', received: 9, limit: WINDOW_INITIAL };

  test('and whose client says nothing more ends after HALF_CLOSED_MAX', () => {
    const { timeline, ended, hears } = halfClosed();
    timeline.runFor(1000);
    hears(all);
    timeline.runFor(HALF_CLOSED_MAX - 1);
    expect(ended).toEqual([]);
    timeline.runFor(1);
    expect(ended).toEqual(['idle']);
  });

  test('is kept while its client goes on', () => {
    const { timeline, ended, hears, session } = halfClosed();
    hears(all);
    for (let offset = 0; offset < 10; offset += 1) {
      timeline.runFor(HALF_CLOSED_MAX - 1000);
      hears({ type: 'data', offset, bytes: toUtf8('x') });
      session.take();
    }
    expect(ended).toEqual([]);
  });

  test('is kept while its client has yet to read the end', () => {
    const { timeline, ended } = halfClosed();
    timeline.runFor(IDLE_MAX - 60_000);
    expect(ended).toEqual([]);
  });
});
