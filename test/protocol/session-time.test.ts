/** When a session speaks: acknowledgements, keepalive, probing, and what it takes for lost. */
import { describe, expect, test, vi } from 'vitest';
import { toUtf8 } from '../../protocol/bytes.ts';
import {
  ACK_DELAY,
  ACK_DELAY_MIN,
  FIRST_RECORD_TIMEOUT,
  IDLE_MAX,
  KEEPALIVE,
  KEEPALIVE_MIN,
  LONE_PAD_MAX,
  PAD_MAX,
  PADDED_RECORDS,
  PING_EVERY,
  PING_EVERY_MIN,
  PROBE_AFTER,
  PROBE_TIMEOUT,
  PROOF_RECORDS,
  STALL_MAX,
  STALL_MIN,
  WINDOW_INITIAL,
} from '../../protocol/limits.ts';
import type { Frame } from '../../protocol/session/frames.ts';
import { type End, Longest, NOTHING_LEFT, Pair, ReadingApp } from '../support/network/simulation.ts';

const DELAY = 50;

/** Nothing is random: every pause is the longest. */
const steady = () => new Pair(new Longest(1));

/** Joined, and quiet: the first records have passed. */
function quiet(): Pair {
  const pair = steady();
  pair.join({ delay: DELAY });
  pair.timeline.runFor(1000);
  return pair;
}

function say(end: End, text: string): void {
  expect(end.write(toUtf8(text))).toBe(text.length);
  end.session.flush();
}

function listen(end: End): { at: number; frames: Frame[] }[] {
  end.log = [];
  return end.log;
}

const types = (frames: Frame[]) => frames.map(({ type }) => type).filter((type) => type !== 'pad');
const startOf = (pair: Pair) => pair.timeline.now;

describe('acknowledgement', () => {
  test('of a small message: within ACK_DELAY, in one record, not sooner', () => {
    const pair = quiet();
    const log = listen(pair.relay);
    const start = startOf(pair);
    say(pair.client, 'x');
    pair.timeline.runFor(100);
    say(pair.client, 'y');
    pair.timeline.runFor(1000);
    expect(log.map(({ at, frames }) => [at - start, types(frames)])).toEqual([[DELAY + ACK_DELAY, ['ack']]]);
    expect(log[0]?.frames[0]).toMatchObject({ received: 2 });
  });

  test('rides on DATA when there is some', () => {
    const pair = quiet();
    const log = listen(pair.relay);
    const start = startOf(pair);
    say(pair.client, 'x');
    pair.timeline.runFor(DELAY + 10);
    say(pair.relay, 'answer');
    pair.timeline.runFor(2000);
    expect(log.map(({ at, frames }) => [at - start, types(frames)])).toEqual([[DELAY + 10, ['ack', 'data']]]);
  });

  test.each([
    ['the relay', 'a quarter', 4],
    ['the client, whose messages are billed,', 'half', 2],
  ])('is sent by %s at once after %s of a window', (_who, _part, part) => {
    const pair = quiet();
    const [from, to] = part === 4 ? [pair.client, pair.relay] : [pair.relay, pair.client];
    const log = listen(to);
    say(from, 'x'.repeat(WINDOW_INITIAL / part - 1));
    pair.timeline.runFor(DELAY + 50);
    expect(log).toEqual([]);
    const start = startOf(pair);
    say(from, 'x');
    pair.timeline.runFor(DELAY);
    expect(log.map(({ at, frames }) => [at - start, types(frames)])).toEqual([[DELAY, ['ack']]]);
  });

  test('at once of a FIN', () => {
    const pair = quiet();
    const log = listen(pair.relay);
    const start = startOf(pair);
    pair.client.session.finish();
    pair.client.session.flush();
    pair.timeline.runFor(200);
    expect(log.map(({ at, frames }) => [at - start, types(frames)])).toEqual([[DELAY, ['ack']]]);
    expect(log[0]?.frames[0]).toMatchObject({ received: 1 });
  });

  test('tells of reading too: within ACK_DELAY, at once after a quarter of a window at a relay', () => {
    const pair = quiet();
    pair.client.write(new Uint8Array(WINDOW_INITIAL));
    pair.client.session.flush();
    pair.timeline.runFor(2000);
    const log = listen(pair.relay);
    const start = startOf(pair);
    pair.relay.consume(pair.relay.session.take()?.subarray(0, 100).length ?? 0);
    pair.timeline.runFor(2000);
    expect(log.map(({ at, frames }) => [at - start, types(frames)])).toEqual([[ACK_DELAY, ['ack']]]);
    expect(log[0]?.frames[0]).toMatchObject({ received: WINDOW_INITIAL, limit: WINDOW_INITIAL + 100 });
    pair.relay.consume(WINDOW_INITIAL / 4);
    expect(log.length).toBe(2);
  });

  test('is not owed for what was already told', () => {
    const pair = quiet();
    const log = listen(pair.relay);
    pair.relay.session.receive([{ type: 'data', offset: 0, bytes: new Uint8Array(0) }]);
    pair.relay.session.receive([{ type: 'ack', received: 0, limit: 0 }]);
    pair.timeline.runFor(KEEPALIVE - 2000);
    expect(log).toEqual([]);
  });
});

describe('the first records', () => {
  test('a client with nothing to say proves itself soon: ACK and PING, answered at once', () => {
    const pair = steady();
    const [client, relay] = [listen(pair.client), listen(pair.relay)];
    pair.connect({ delay: DELAY });
    pair.timeline.runFor(1000);
    expect(client.map(({ at, frames }) => [at, types(frames)])).toEqual([[2 * DELAY + ACK_DELAY, ['ack', 'ping']]]);
    expect(relay.map(({ at, frames }) => [at, types(frames)])).toEqual([[3 * DELAY + ACK_DELAY, ['pong']]]);
  });

  test('what a client has to say goes at once, with the proof, and only once', () => {
    const pair = steady();
    const client = listen(pair.client);
    pair.join({ delay: DELAY });
    for (const text of ['a', 'b']) {
      pair.client.write(toUtf8(text));
      pair.client.session.flush();
    }
    pair.timeline.runFor(1000);
    expect(client.map(({ at, frames }) => [at, types(frames)])).toEqual([
      [2 * DELAY, ['ack', 'data', 'ping']],
      [2 * DELAY, ['data']],
    ]);
  });

  test('on a resume it goes at once', () => {
    const pair = steady();
    for (const end of pair.ends) end.resumable = true;
    pair.join({ delay: DELAY }).cut();
    pair.timeline.runFor(1000);
    const client = listen(pair.client);
    const start = pair.timeline.now;
    pair.connect({ delay: DELAY });
    pair.timeline.runFor(1000);
    expect(client.map(({ at, frames }) => [at - start, types(frames)])).toEqual([[2 * DELAY, ['ack', 'ping']]]);
  });

  test('and only they are padded, by random lengths', () => {
    const lengths = new Set<number>();
    for (const seed of [1, 2, 3, 4]) {
      const pair = new Pair(seed);
      pair.join({ delay: DELAY });
      pair.timeline.runFor(1000);
      const log = listen(pair.client);
      // The first one was the ACK.
      for (let round = 0; round < PADDED_RECORDS + 3; round++) {
        say(pair.client, 'x');
        pair.timeline.runFor(1);
      }
      const pads = log.map(({ frames }) => frames.filter((frame) => frame.type === 'pad'));
      expect(pads.map((each) => each.length)).toEqual([...Array(PADDED_RECORDS - 1).fill(1), 0, 0, 0, 0]);
      for (const pad of pads.flat()) {
        expect(pad.length).toBeLessThanOrEqual(PAD_MAX);
        lengths.add(pad.length);
      }
    }
    expect(lengths.size).toBeGreaterThan(20);
    expect(Math.max(...lengths)).toBeGreaterThan(PAD_MAX / 2);
  });
});

describe('keepalive', () => {
  test('the relay speaks after 30 s of its silence at the latest; the client does not', () => {
    const pair = quiet();
    const [client, relay] = [listen(pair.client), listen(pair.relay)];
    const start = startOf(pair);
    say(pair.relay, 'x');
    pair.timeline.runFor(4 * KEEPALIVE + 1000);
    expect(relay.map(({ at, frames }) => [at - start, types(frames)])).toEqual([
      [0, ['data']],
      [KEEPALIVE, ['ack']],
      [2 * KEEPALIVE, ['ack']],
      [3 * KEEPALIVE, ['ack']],
      [4 * KEEPALIVE, ['ack']],
    ]);
    // One ACK for the message; a keepalive is not answered.
    expect(client.map(({ frames }) => types(frames))).toEqual([['ack']]);
  });

  test('not while it speaks anyway', () => {
    const pair = quiet();
    const log = listen(pair.relay);
    for (let round = 0; round < 20; round++) {
      say(pair.relay, 'x');
      pair.timeline.runFor(KEEPALIVE - 1000);
    }
    expect(log.map(({ frames }) => types(frames))).toEqual(Array(20).fill(['data']));
  });
});

describe('nothing has a constant time or length', () => {
  /** How many fall into each tenth of the range. Each is expected to have a tenth of them. */
  function tenths(samples: number[], least: number, most: number): number[] {
    expect(Math.min(...samples)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...samples)).toBeLessThanOrEqual(most);
    const counts = Array<number>(10).fill(0);
    for (const sample of samples) {
      const tenth = Math.min(9, Math.floor((10 * (sample - least)) / (most - least)));
      counts[tenth] = (counts[tenth] ?? 0) + 1 / samples.length;
    }
    return counts;
  }

  const gaps = (times: number[]) => times.slice(1).map((at, before) => at - (times[before] ?? 0));

  function expectEven(counts: number[]): void {
    for (const count of counts) expect(Math.abs(count - 0.1)).toBeLessThan(0.05);
  }

  test('silences of the relay', () => {
    const silences = [1, 2, 3, 4].flatMap((seed) => {
      const pair = new Pair(seed);
      pair.join({ delay: DELAY });
      const log = listen(pair.relay);
      pair.timeline.runFor(IDLE_MAX - 60_000);
      return gaps(log.slice(2).map(({ at }) => at));
    });
    expect(silences.length).toBeGreaterThan(1000);
    expectEven(tenths(silences, KEEPALIVE_MIN, KEEPALIVE));
  });

  test('delays of ACKs, at either end', () => {
    for (const name of ['client', 'relay'] as const) {
      const pair = new Pair(1);
      pair.join({ delay: DELAY });
      pair.timeline.runFor(1000);
      const [from, to] = [pair[name], pair.peerOf(pair[name])];
      const log = listen(to);
      // Fewer than PROOF_RECORDS: an ACK would ride with the PONG.
      const delays = Array.from({ length: 500 }, () => {
        const start = startOf(pair);
        log.length = 0;
        say(from, 'x');
        pair.timeline.runFor(1000);
        return (log[0]?.at ?? 0) - start - DELAY;
      });
      expectEven(tenths(delays, ACK_DELAY_MIN, ACK_DELAY));
    }
  });

  test('pauses between the PINGs of a client to which something comes all the time', () => {
    const pair = new Pair(1);
    for (const end of pair.ends) end.resumable = true;
    pair.client.onReadable = () => pair.client.consume(pair.client.session.take()?.length ?? 0);
    pair.join({ delay: DELAY });
    pair.timeline.runFor(1000);
    const log = listen(pair.client);
    for (let round = 0; round < 20_000; round++) {
      say(pair.relay, 'x');
      pair.timeline.runFor(50);
    }
    const pings = log.filter(({ frames }) => types(frames).includes('ping')).map(({ at }) => at);
    expectEven(tenths(gaps(pings), PING_EVERY_MIN, PING_EVERY));
  });

  test('records without DATA, however many came before', () => {
    const pair = new Pair(1);
    pair.join({ delay: DELAY });
    for (const end of pair.ends) end.onReadable = () => end.consume(end.session.take()?.length ?? 0);
    const log = [listen(pair.client), listen(pair.relay)];
    for (let round = 0; round < 500; round++) {
      say(pair.client, 'x');
      pair.timeline.runFor(1000);
      say(pair.relay, 'x');
      pair.timeline.runFor(1000);
    }
    for (const records of log.map((each) => each.slice(PADDED_RECORDS))) {
      const padsOf = (isLone: boolean) =>
        records
          .filter(({ frames }) => frames.every(({ type }) => type !== 'data') === isLone)
          .map(({ frames }) => frames.flatMap((frame) => (frame.type === 'pad' ? [frame.length] : [])));
      expect(padsOf(true).every((pads) => pads.length === 1)).toBe(true);
      expectEven(tenths(padsOf(true).flat(), 0, LONE_PAD_MAX));
      expect(padsOf(false).flat()).toEqual([]);
    }
  });
});

describe('probing', () => {
  test('the client asks after 40 s without a word, and gives up 10 s later', () => {
    const pair = quiet();
    const log = listen(pair.client);
    const heard = pair.timeline.now;
    say(pair.relay, 'last words');
    pair.timeline.runFor(DELAY);
    pair.client.link?.cut({});
    pair.timeline.runFor(PROBE_AFTER - 1);
    expect(log.map(({ frames }) => types(frames))).toEqual([['ack']]);
    pair.timeline.runFor(1);
    expect(log.slice(1).map(({ at, frames }) => [at - heard, types(frames)])).toEqual([
      [DELAY + PROBE_AFTER, ['ping']],
    ]);
    pair.timeline.runFor(PROBE_TIMEOUT - 1);
    expect(pair.client.over).toBe(false);
    pair.timeline.runFor(1);
    expect(pair.client.outcomes).toEqual(['carrier-lost']);
    expect(log.length).toBe(2);
    pair.client.session.discard();
    expect(pair.leftovers()).toMatchObject({ clientTimers: 0, clientBytes: 0 });
  });

  test('an answer, or anything else, is life', () => {
    const pair = quiet();
    pair.client.link?.cut({});
    const log = listen(pair.client);
    pair.timeline.runUntil('asked', () => log.length === 1);
    pair.timeline.runFor(PROBE_TIMEOUT - 1);
    pair.client.session.receive([{ type: 'ack', received: 0, limit: 0 }]);
    pair.timeline.runFor(PROBE_TIMEOUT - 1);
    expect(pair.client.over).toBe(false);
    pair.timeline.runFor(1);
    expect(pair.client.outcomes).toEqual(['carrier-lost']);
  });

  test('a round trip is what it takes', () => {
    for (const delay of [3, 60, 700]) {
      const pair = steady();
      pair.join({ delay });
      expect(pair.client.session.roundTrip).toBeUndefined();
      pair.timeline.runFor(3 * delay + ACK_DELAY);
      expect(pair.client.session.roundTrip).toBe(2 * delay);
      expect(pair.relay.session.roundTrip).toBeUndefined();
    }
  });

  test('round trips are smoothed as in RFC 6298', () => {
    const pair = steady();
    let delay = 40;
    pair.join({ delay: () => delay });
    pair.timeline.runFor(1000);
    expect(pair.client.session.roundTrip).toBe(80);
    delay = 80;
    pair.client.session.ping();
    pair.client.session.flush();
    pair.timeline.runFor(1000);
    expect(pair.client.session.roundTrip).toBe(80 + 80 / 8);
  });

  test('only the PONG to the PING that was sent counts', () => {
    const pair = quiet();
    const before = pair.client.session.roundTrip;
    pair.client.session.ping();
    pair.client.session.receive([{ type: 'pong', id: 2 }]);
    pair.timeline.runFor(10);
    for (const id of [0, 1, 3, 4]) pair.client.session.receive([{ type: 'pong', id }]);
    expect(pair.client.session.roundTrip).toBe(before);
  });
});

describe('stalling, in a resumable session', () => {
  function resumable(): { pair: Pair; stalls: number[] } {
    const pair = steady();
    for (const end of pair.ends) end.resumable = true;
    pair.join({ delay: DELAY });
    pair.timeline.runFor(2000);
    const start = pair.timeline.now;
    const stalls: number[] = [];
    pair.client.onStalled = () => stalls.push(pair.timeline.now - start);
    return { pair, stalls };
  }

  test('data that is not acknowledged: after STALL_MIN, then after twice the time, up to STALL_MAX', () => {
    const { pair, stalls } = resumable();
    pair.client.link?.cut({});
    say(pair.client, 'x');
    pair.timeline.runFor(110_000);
    const waits = stalls.map((at, index) => at - (stalls[index - 1] ?? 0));
    expect(waits).toEqual([STALL_MIN, 2 * STALL_MIN, 4 * STALL_MIN, STALL_MAX, STALL_MAX]);
    expect([pair.client.over, pair.client.session.isStalled]).toEqual([false, true]);
  });

  test('a carrier on which something moves again ends it', () => {
    const { pair, stalls } = resumable();
    pair.client.link?.cut({});
    say(pair.client, 'x');
    pair.timeline.runFor(STALL_MIN);
    expect(stalls.length).toBe(1);
    pair.client.detach();
    pair.join({ delay: DELAY });
    pair.timeline.runFor(2000);
    expect(pair.client.session.isStalled).toBe(false);
    expect(pair.relay.session.take()).toEqual(toUtf8('x'));
    const start = stalls.length;
    pair.timeline.runFor(4 * KEEPALIVE);
    expect(stalls.length).toBe(start);
  });

  test.each([
    ['a client', 'client', 0],
    ['a relay', 'relay', 0],
    ['a client whose link froze meanwhile', 'client', 300_000],
    ['a relay whose link froze meanwhile', 'relay', 300_000],
  ] as const)('ten minutes of silence, then a message of %s: it arrives', (_, name, frozenFor) => {
    const { pair } = resumable();
    pair.client.onStalled = () => void pair.connect({ delay: DELAY });
    const link = pair.client.link;
    pair.timeline.runFor(600_000 - frozenFor);
    expect([pair.client.link, pair.relay.link]).toEqual([link, link]);
    // Nobody is told.
    if (frozenFor > 0) link?.cut({});
    pair.timeline.runFor(frozenFor);
    const sender = pair[name];
    say(sender, 'x');
    pair.timeline.runFor(STALL_MIN + 1000);
    expect(pair.peerOf(sender).session.take()).toEqual(toUtf8('x'));
    expect(pair.ends.map(({ over }) => over)).toEqual([false, false]);
  });

  test('a long round trip is no stall', () => {
    const pair = steady();
    for (const end of pair.ends) end.resumable = true;
    let stalls = 0;
    pair.client.onStalled = () => {
      stalls += 1;
    };
    pair.join({ delay: 2000 });
    pair.timeline.runFor(20_000);
    for (let round = 0; round < 5; round++) {
      say(pair.client, 'x');
      pair.timeline.runFor(7000);
    }
    expect([pair.client.session.roundTrip, stalls]).toEqual([4000, 0]);
  });

  test('a client that only receives asks with its ACK, and notices that no answer comes', () => {
    const { pair, stalls } = resumable();
    const log = listen(pair.client);
    const start = startOf(pair);
    say(pair.relay, 'x');
    pair.timeline.runFor(DELAY);
    pair.client.link?.cut({});
    pair.timeline.runFor(20_000);
    expect(log.map(({ at, frames }) => [at - start, types(frames)])).toEqual([[DELAY + ACK_DELAY, ['ack', 'ping']]]);
    expect(stalls[0]).toBe(DELAY + ACK_DELAY + STALL_MIN);
  });

  test('it asks once a PING_EVERY at most, however much comes, and not at all when nothing does', () => {
    const { pair } = resumable();
    const log = listen(pair.client);
    const pings = () => log.filter(({ frames }) => types(frames).includes('ping')).length;
    for (let round = 0; round < 60; round++) {
      say(pair.relay, 'x');
      pair.timeline.runFor(100);
    }
    expect(pings()).toBe(6000 / PING_EVERY);
    pair.timeline.runFor(2000);
    const asked = pings();
    pair.timeline.runFor(PROBE_AFTER);
    expect(pings()).toBe(asked);
  });
});

describe('a client that says nothing', () => {
  test('is reset 10 s after the grant', () => {
    const pair = steady();
    const log = listen(pair.relay);
    const link = pair.connect({ delay: DELAY });
    pair.timeline.runFor(DELAY);
    expect(pair.relay.link).toBe(link);
    // The client of a replayed hello has no keys.
    pair.latest = undefined;
    pair.timeline.runFor(FIRST_RECORD_TIMEOUT - 1);
    expect(pair.relay.over).toBe(false);
    pair.timeline.runFor(1);
    expect(pair.relay.outcomes).toEqual(['silent']);
    expect(log.map(({ frames }) => types(frames))).toEqual([['reset']]);
    expect(pair.leftovers()).toMatchObject({ relayTimers: 0, relayBytes: 0 });
  });

  test('on the next link loses that link, and the session waits on for its client', () => {
    const pair = steady();
    for (const end of pair.ends) end.resumable = true;
    pair.join({ delay: DELAY });
    pair.timeline.runFor(1000);
    pair.client.link?.cut();
    pair.timeline.runFor(60_000);
    const link = pair.connect({ delay: DELAY });
    const close = vi.spyOn(link.sinkOf(pair.relay), 'close');
    pair.timeline.runFor(DELAY);
    // The client of a replayed hello has no keys.
    pair.latest = undefined;
    pair.timeline.runFor(FIRST_RECORD_TIMEOUT - 1);
    expect(close).not.toHaveBeenCalled();
    pair.timeline.runFor(1);
    expect(close).toHaveBeenCalledOnce();
    expect([pair.relay.over, pair.relay.link]).toEqual([false, undefined]);
    pair.join({ delay: DELAY });
    expect(pair.client.over).toBe(false);
  });

  test('after its first record it may be silent for as long as an app may', () => {
    const pair = quiet();
    pair.timeline.runFor(IDLE_MAX - 60_000);
    expect(pair.relay.over).toBe(false);
  });
});

describe('an idle session', () => {
  test.each([
    ['10 minutes', 600_000],
    ['two hours', 2 * 3_600_000],
  ])('after %s a message comes in either direction at once', (_what, time) => {
    const pair = quiet();
    const log = listen(pair.client);
    pair.timeline.runFor(time);
    // Every record of the client's is billed: none, but for the proof that the relay's keepalives arrive.
    expect(log.length).toBeLessThanOrEqual(time / KEEPALIVE / PROOF_RECORDS);
    const readers = pair.ends.map((end, index) => new ReadingApp(pair, end, index));
    const [toClient, toRelay] = readers as [ReadingApp, ReadingApp];
    for (const end of pair.ends) end.session.take();
    const first = pair.relay.onReadable;
    let arrivedAt = 0;
    pair.relay.onReadable = () => {
      arrivedAt ||= pair.timeline.now;
      pair.relay.consume(pair.relay.session.take()?.length ?? 0);
    };
    const start = startOf(pair);
    say(pair.client, 'still there?');
    pair.timeline.runFor(1000);
    expect(arrivedAt - start).toBe(DELAY);
    pair.relay.onReadable = first;
    let answeredAt = 0;
    pair.client.onReadable = () => {
      answeredAt ||= pair.timeline.now;
      pair.client.consume(pair.client.session.take()?.length ?? 0);
    };
    const asked = startOf(pair);
    say(pair.relay, 'yes');
    pair.timeline.runFor(1000);
    expect(answeredAt - asked).toBe(DELAY);
    expect([toClient.length, toRelay.length]).toEqual([0, 0]);
    for (const end of pair.ends) end.session.close();
    pair.timeline.runFor(1000);
    expect(pair.ends.map(({ outcomes }) => outcomes)).toEqual([['clean'], ['clean']]);
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
  });

  test.each(['client', 'relay'] as const)('is reset by its relay, so long after the last byte of the %s', (who) => {
    const pair = quiet();
    const other = who === 'client' ? pair.relay : pair.client;
    other.onReadable = () => other.consume(other.session.take()?.length ?? 0);
    pair.timeline.runFor(IDLE_MAX - 60_000);
    say(pair[who], 'still there');
    const from = pair.timeline.now + (who === 'client' ? DELAY : 0);
    pair.timeline.runFor(from + IDLE_MAX - 1 - pair.timeline.now);
    expect([pair.relay.over, pair.client.over]).toEqual([false, false]);
    pair.timeline.runFor(1);
    expect(pair.relay.outcomes).toEqual(['idle']);
    pair.timeline.runFor(DELAY);
    expect(pair.client.outcomes).toEqual(['idle']);
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('is idle all the same while its backend has a byte that there is no room for', () => {
    const pair = quiet();
    pair.relay.session.write(new Uint8Array(WINDOW_INITIAL));
    pair.relay.session.flush();
    const from = pair.timeline.now;
    pair.timeline.runFor(IDLE_MAX - 60_000);
    expect(pair.relay.session.write(new Uint8Array(1))).toBe(0);
    pair.timeline.runFor(from + IDLE_MAX - pair.timeline.now);
    expect(pair.relay.outcomes).toEqual(['idle']);
  });

  test('costs one timer at each end, and few wakings', () => {
    const pair = quiet();
    expect(pair.ends.map(({ clock }) => clock.timers)).toEqual([1, 1]);
    const before = pair.ends.map(({ clock }) => clock.fired);
    pair.timeline.runFor(3_600_000);
    expect(pair.ends.map(({ clock }) => clock.timers)).toEqual([1, 1]);
    const [client = 0, relay = 0] = pair.ends.map(({ clock }, index) => clock.fired - (before[index] ?? 0));
    expect(relay).toBeLessThanOrEqual(3_600_000 / KEEPALIVE + 1);
    expect(client).toBeLessThanOrEqual((2 * 3_600_000) / KEEPALIVE);
  });
});
