/** A session's two streams, and every way in which it ends. */
import { describe, expect, test, vi } from 'vitest';
import { type Bytes, toUtf8 } from '../../protocol/bytes.ts';
import { type Code, resetOf, TRAVELLING, toWire } from '../../protocol/errors.ts';
import { LINGER, WINDOW_INITIAL, WINDOW_MAX } from '../../protocol/limits.ts';
import type { Frame } from '../../protocol/session/frames.ts';
import type { FrameSink } from '../../protocol/session/parts.ts';
import {
  AT_ONCE,
  type End,
  FIRST_OFFSETS,
  NOTHING_LEFT,
  type Pace,
  Pair,
  ReadingApp,
  WritingApp,
} from '../support/network/simulation.ts';

const NAMES = ['client', 'relay'] as const;

function joined(seed = 1): Pair {
  const pair = new Pair(seed);
  pair.join();
  return pair;
}

/** Everything that waits to be read at this end, consumed. */
function readAll(end: End): string {
  const pieces: Bytes[] = [];
  for (let bytes = end.session.take(); bytes; bytes = end.session.take()) {
    pieces.push(bytes);
    end.consume(bytes.length);
  }
  return Buffer.concat(pieces).toString();
}

function say(end: End, text: string): void {
  expect(end.write(toUtf8(text))).toBe(text.length);
  end.session.flush();
}

function finish(end: End): void {
  end.session.finish();
  end.session.flush();
}

describe('both streams', () => {
  const paces: [what: string, write: (pair: Pair) => Pace, read: (pair: Pair) => Pace, total: number][] = [
    ['at once', () => ({ size: () => 1 << 20, gap: () => 0 }), () => ({ size: () => 1, gap: () => 0 }), 3_000_000],
    [
      'in writes of any size',
      ({ random }) => ({
        size: () => random.pick([1, 2, 100, 5000, 65_000, 200_000]),
        gap: () => random.between(0, 30),
      }),
      ({ random }) => ({ size: () => 1, gap: () => random.between(0, 30) }),
      1_000_000,
    ],
    [
      'read slowly',
      () => ({ size: () => 30_000, gap: () => 0 }),
      ({ random }) => ({ size: () => 1, gap: () => random.between(200, 2000) }),
      600_000,
    ],
    ['in single bytes', () => ({ size: () => 1, gap: () => 1 }), () => ({ size: () => 1, gap: () => 5 }), 3000],
  ];

  test.each(paces)('%s: every byte once, in order, and a clean end', (_what, write, read, total) => {
    for (const delay of [1, 40, 300]) {
      const pair = new Pair(delay);
      const readers = pair.ends.map((end, index) => new ReadingApp(pair, end, 1 - index, read(pair)));
      for (const [index, end] of pair.ends.entries())
        new WritingApp(pair, end, index, index === 0 ? total : Math.ceil(total / 3), write(pair));
      pair.connect({ delay });
      pair.runToEnd();
      pair.timeline.runFor(3_600_000);
      expect(readers.map(({ length, drained }) => [length, drained])).toEqual([
        [Math.ceil(total / 3), true],
        [total, true],
      ]);
      expect(pair.ends.map(({ outcomes }) => outcomes)).toEqual([['clean'], ['clean']]);
      expect(pair.leftovers()).toEqual(NOTHING_LEFT);
    }
  });

  test('what does not fit is not taken, and there is room again once the peer has it', () => {
    const pair = joined();
    const { client } = pair;
    expect(client.session.room).toBe(WINDOW_INITIAL);
    expect(client.write(new Uint8Array(WINDOW_INITIAL + 1))).toBe(WINDOW_INITIAL);
    expect(client.session.room).toBe(0);
    expect(client.write(new Uint8Array(10))).toBe(0);
    let writable = 0;
    client.onWritable = () => {
      if (client.session.room > 0) writable += 1;
    };
    client.session.flush();
    pair.timeline.runFor(1000);
    // Received, but not read: no more may come.
    expect(client.session.room).toBe(0);
    readAll(pair.relay);
    pair.timeline.runFor(1000);
    expect(client.session.room).toBe(WINDOW_INITIAL);
    expect(writable).toBeGreaterThan(0);
  });

  test('few bytes wait for more room while an ACK is on its way, and no longer', () => {
    const pair = joined();
    const { client, relay } = pair;
    const most = WINDOW_INITIAL - 1000;
    expect(client.write(new Uint8Array(most))).toBe(most);
    client.session.flush();
    // A thousand would fit, but five thousand soon.
    expect([client.session.room, client.session.roomFor(1000), client.session.roomFor(5000)]).toEqual([1000, 1000, 0]);
    expect(client.write(new Uint8Array(5000))).toBe(0);
    let writable = 0;
    client.onWritable = () => {
      writable += 1;
    };
    pair.timeline.runFor(1000);
    // It is received but not read: no more room is coming, so what there is must do.
    expect(writable).toBeGreaterThan(0);
    expect(client.session.roomFor(5000)).toBe(1000);
    readAll(relay);
    pair.timeline.runFor(1000);
    expect(client.session.roomFor(5000)).toBe(5000);
  });

  test('a small replay buffer is no brake for a peer with a large window', () => {
    const pair = joined();
    pair.relay.budget.growthMax = 0;
    const reader = new ReadingApp(pair, pair.client, 1);
    const start = pair.timeline.now;
    new WritingApp(pair, pair.relay, 1, 3_000_000, AT_ONCE, 'leave open');
    while (reader.length < 3_000_000 && pair.timeline.step(start + 3_600_000));
    expect(reader.length).toBe(3_000_000);
    // A client with a large window acknowledges late. Every buffer's worth takes a round trip of 100 ms, no ACK_DELAY.
    const roundTrips = 3_000_000 / WINDOW_INITIAL;
    expect(pair.timeline.now - start).toBeLessThan(roundTrips * 150);
  });

  test('the writes of one tick leave in one record', () => {
    const pair = joined();
    pair.timeline.runFor(1000);
    pair.client.log = [];
    for (const text of ['a', 'b', 'c']) pair.client.write(toUtf8(text));
    pair.client.session.flush();
    expect(pair.client.log.length).toBe(1);
    pair.timeline.runFor(100);
    expect(readAll(pair.relay)).toBe('abc');
  });

  test('a write that is not owned may be overwritten at once', () => {
    const pair = joined();
    for (const length of [3, 5000]) {
      const bytes = new Uint8Array(length).fill(0x61);
      pair.client.write(bytes);
      bytes.fill(0);
      pair.client.session.flush();
      pair.timeline.runFor(100);
      expect(readAll(pair.relay)).toBe('a'.repeat(length));
    }
  });

  test('early data comes once, before the rest', () => {
    const pair = new Pair();
    say(pair.client, 'hello');
    pair.connect({ earlyData: 100 });
    say(pair.client, ' world');
    pair.client.log = [];
    pair.timeline.runFor(50);
    expect(readAll(pair.relay)).toBe('hello');
    pair.timeline.runFor(200);
    expect(readAll(pair.relay)).toBe(' world');
    pair.timeline.runFor(1000);
    const sent = pair.client.log.flatMap(({ frames }) => frames.filter(({ type }) => type === 'data'));
    expect(sent).toEqual([{ type: 'data', offset: 5, bytes: toUtf8(' world') }]);
    expect(pair.client.session.room).toBe(WINDOW_INITIAL);
  });

  test('early data that a relay did not take is sent again', () => {
    const pair = new Pair();
    say(pair.client, 'hello');
    expect(pair.client.session.earlyData(100, () => true)).toEqual(toUtf8('hello'));
    pair.join();
    pair.timeline.runFor(100);
    expect(readAll(pair.relay)).toBe('hello');
  });

  test('early data is all of what was written or nothing, and only what may be', () => {
    const { client } = new Pair();
    expect(client.session.earlyData(100, () => true).length).toBe(0);
    say(client, 'hello');
    expect(client.session.earlyData(4, () => true).length).toBe(0);
    expect(client.session.earlyData(5, (first) => first.length !== 5).length).toBe(0);
    expect(client.session.earlyData(5, (first) => Buffer.from(first).toString() === 'hello')).toEqual(toUtf8('hello'));
  });
});

describe('half-close', () => {
  test.each(NAMES)('of the %s: the other goes on', (name) => {
    const pair = joined();
    const end = pair[name];
    const peer = pair.peerOf(end);
    say(end, 'question');
    finish(end);
    expect([end.session.room, end.write(toUtf8('more'))]).toEqual([0, 0]);
    pair.timeline.runFor(100_000);
    expect(peer.session.drained).toBe(false);
    expect(readAll(peer)).toBe('question');
    expect([peer.session.drained, end.session.drained]).toEqual([true, false]);
    for (let round = 0; round < 5; round++) {
      say(peer, `answer ${round}`);
      pair.timeline.runFor(100_000);
      expect(readAll(end)).toBe(`answer ${round}`);
    }
    expect([end.over, peer.over]).toEqual([false, false]);
    finish(peer);
    pair.timeline.runFor(1000);
    expect(end.session.drained).toBe(true);
    expect([end.outcomes, peer.outcomes]).toEqual([['clean'], ['clean']]);
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('of both at the same time', () => {
    const pair = joined();
    for (const end of pair.ends) {
      say(end, 'last');
      finish(end);
    }
    pair.timeline.runFor(1000);
    expect(pair.ends.map(({ outcomes }) => outcomes)).toEqual([['clean'], ['clean']]);
    // What was received before the end can still be read; its memory is held until then.
    expect(pair.leftovers()).toMatchObject({ clientBytes: WINDOW_INITIAL, relayBytes: WINDOW_INITIAL });
    expect(pair.ends.map(readAll)).toEqual(['last', 'last']);
    expect(pair.ends.map(({ session }) => session.drained)).toEqual([true, true]);
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('of a stream of nothing', () => {
    const pair = joined();
    for (const end of pair.ends) finish(end);
    pair.timeline.runFor(1000);
    expect(pair.ends.map(({ outcomes }) => outcomes)).toEqual([['clean'], ['clean']]);
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('before the link is there', () => {
    const pair = new Pair();
    say(pair.client, 'early');
    finish(pair.client);
    pair.connect();
    pair.timeline.runFor(1000);
    expect(readAll(pair.relay)).toBe('early');
    expect(pair.relay.session.drained).toBe(true);
  });

  test('needs no credit', () => {
    const pair = joined();
    pair.client.write(new Uint8Array(WINDOW_INITIAL));
    finish(pair.client);
    pair.timeline.runFor(1000);
    readAll(pair.relay);
    expect(pair.relay.session.drained).toBe(true);
  });

  test('and what comes with it, in one record: nothing is owed afterwards', () => {
    const pair = joined();
    say(pair.client, 'x');
    finish(pair.client);
    finish(pair.relay);
    pair.timeline.runFor(1000);
    expect(pair.ends.map(({ outcomes }) => outcomes)).toEqual([['clean'], ['clean']]);
    expect(readAll(pair.relay)).toBe('x');
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
  });
});

describe('reset', () => {
  const codes = (Object.keys(TRAVELLING) as Code[]).filter((code) => resetOf(toWire(code)));

  test.each(codes)('%s, by either end: both are told so', (code) => {
    for (const name of NAMES) {
      const pair = joined();
      const end = pair[name];
      for (const each of pair.ends) say(each, 'unread');
      pair.timeline.runFor(1000);
      end.session.reset(code);
      expect(end.outcomes).toEqual([code]);
      pair.timeline.runFor(1000);
      expect(pair.peerOf(end).outcomes).toEqual([code]);
      expect(readAll(end) + readAll(pair.peerOf(end))).toBe('');
      expect(pair.leftovers()).toEqual(NOTHING_LEFT);
    }
  });

  test.each([0, toWire('full'), 15, 16, 255])(
    'with %i, which is no code of a reset, still ends the session',
    (code) => {
      const pair = joined();
      pair.client.session.receive([{ type: 'reset', code }]);
      expect(pair.client.outcomes).toEqual(['aborted']);
    },
  );

  test('a STOP without a FIN before it passes for no end: what came is dropped', () => {
    const pair = joined();
    say(pair.client, 'half a sent');
    pair.timeline.runFor(1000);
    pair.relay.session.receive([{ type: 'stop' }]);
    expect(pair.relay.outcomes).toEqual(['bad-frame']);
    expect(readAll(pair.relay)).toBe('');
  });

  test('afterwards nothing moves, and nothing is told twice', () => {
    const pair = joined();
    const { client, relay } = pair;
    say(relay, 'under way');
    client.log = [];
    client.session.reset('aborted');
    expect(client.log.length).toBe(1);
    let readable = 0;
    client.onReadable = () => {
      readable += 1;
    };
    expect(client.session.room).toBe(0);
    expect(client.write(toUtf8('more'))).toBe(0);
    client.session.finish();
    client.session.close();
    client.session.reset('backend-reset');
    client.session.abandon('carrier-lost');
    client.session.consumed(0);
    client.session.receive([{ type: 'data', offset: 0, bytes: toUtf8('late') }]);
    client.session.flush();
    pair.timeline.runFor(100_000);
    expect([client.outcomes, client.log.length, readable]).toEqual([['aborted'], 1, 0]);
    expect(relay.outcomes).toEqual(['aborted']);
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('a carrier that comes after the end is closed', () => {
    const { client } = joined();
    client.session.reset('aborted');
    const close = vi.fn();
    client.session.attach({ send: () => expect.fail('sent'), close }, { received: 0, limit: 0 }, FIRST_OFFSETS, true);
    expect(close).toHaveBeenCalledTimes(1);
  });

  test('abandon tells this end alone, and drops nothing of what came', () => {
    const pair = joined();
    say(pair.relay, 'unread');
    pair.timeline.runFor(1000);
    pair.client.log = [];
    pair.client.session.abandon('timeout');
    expect([pair.client.outcomes, pair.client.log.length]).toEqual([['timeout'], 0]);
    expect([readAll(pair.client), pair.client.session.drained]).toEqual(['unread', false]);
    expect(pair.leftovers()).toMatchObject({ clientTimers: 0, clientBytes: 0 });
  });
});

/** The types of what this end sends from now on, without padding. */
function recorded(end: End): () => string[][] {
  const log: { at: number; frames: Frame[] }[] = [];
  end.log = log;
  return () => log.map(({ frames }) => frames.map(({ type }) => type).filter((type) => type !== 'pad'));
}

describe('close', () => {
  test.each(NAMES)('by the %s with data on its way: the peer gets all of it', (name) => {
    const pair = joined();
    const end = pair[name];
    const peer = pair.peerOf(end);
    end.write(new Uint8Array(WINDOW_INITIAL).fill(0x61));
    end.session.close();
    pair.timeline.runFor(1000);
    expect([end.outcomes, peer.outcomes]).toEqual([['clean'], ['clean']]);
    expect(readAll(peer)).toBe('a'.repeat(WINDOW_INITIAL));
    expect(peer.session.drained).toBe(true);
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
  });

  test.each(NAMES)('by the %s while the peer goes on sending: what that writes goes nowhere', (name) => {
    const pair = joined();
    const end = pair[name];
    const peer = pair.peerOf(end);
    new WritingApp(pair, peer, 1, 10_000_000);
    pair.timeline.runFor(30);
    say(end, 'enough');
    end.session.close();
    expect(end.session.take()).toBeUndefined();
    pair.timeline.runFor(1000);
    expect([end.outcomes, peer.outcomes]).toEqual([['clean'], ['clean']]);
    expect(end.session.take()).toBeUndefined();
    expect(readAll(peer)).toBe('enough');
    expect([peer.isStopped, peer.write(toUtf8('more'))]).toEqual([true, 4]);
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('with data that was received and not read: it is dropped at once', () => {
    const pair = joined();
    say(pair.relay, 'unread');
    pair.timeline.runFor(100);
    pair.client.session.close();
    expect(pair.client.session.take()).toBeUndefined();
    pair.timeline.runFor(1000);
    expect(pair.ends.map(({ outcomes }) => outcomes)).toEqual([['clean'], ['clean']]);
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('grants no more credit, for what was read before either', () => {
    const pair = joined();
    say(pair.relay, 'x'.repeat(1000));
    pair.timeline.runFor(100);
    const bytes = pair.client.session.take();
    pair.client.session.close();
    pair.client.session.consumed(bytes?.length ?? 0);
    expect(pair.client.session.offsets()).toEqual({ received: 1000, limit: WINDOW_INITIAL });
  });

  test('after the peer has finished, or by both: a clean end', () => {
    const after = joined();
    say(after.relay, 'bye');
    finish(after.relay);
    after.timeline.runFor(1000);
    const sent = recorded(after.client);
    after.client.session.close();
    after.timeline.runFor(1000);
    expect(after.ends.map(({ outcomes }) => outcomes)).toEqual([['clean'], ['clean']]);
    expect(sent()).toEqual([['fin']]);
    expect(after.leftovers()).toEqual(NOTHING_LEFT);

    const both = joined();
    for (const end of both.ends) {
      say(end, 'bye');
      end.session.close();
    }
    both.timeline.runFor(1000);
    expect(both.ends.map(({ outcomes }) => outcomes)).toEqual([['clean'], ['clean']]);
    expect(both.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('takes no further writes', () => {
    const pair = joined();
    pair.client.session.close();
    expect([pair.client.session.room, pair.client.write(toUtf8('x'))]).toEqual([0, 0]);
  });

  test('is said with the FIN, answered with a FIN, and that acknowledged', () => {
    const pair = joined();
    const [client, relay] = pair.ends.map(recorded);
    say(pair.client, 'bye');
    pair.client.session.close();
    pair.timeline.runFor(1000);
    expect(pair.ends.map(({ outcomes }) => outcomes)).toEqual([['clean'], ['clean']]);
    expect(readAll(pair.relay)).toBe('bye');
    expect(client?.()).toEqual([['ack', 'data', 'ping'], ['fin', 'stop'], ['ack']]);
    expect(relay?.().at(-1)).toEqual(['ack', 'fin']);
  });

  test('of a stream that was finished before', () => {
    const pair = joined();
    say(pair.client, 'bye');
    finish(pair.client);
    pair.timeline.runFor(1000);
    const sent = recorded(pair.client);
    pair.client.session.close();
    pair.timeline.runFor(1000);
    expect(pair.ends.map(({ outcomes }) => outcomes)).toEqual([['clean'], ['clean']]);
    expect(sent()).toEqual([['stop'], ['ack']]);
    expect(readAll(pair.relay)).toBe('bye');
    expect(pair.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('while nothing moves for LINGER: aborted, not before', () => {
    const pair = new Pair();
    for (const end of pair.ends) end.resumable = true;
    pair.join();
    const link = pair.client.link;
    say(pair.client, 'lost');
    link?.cut({});
    pair.client.session.close();
    const closedAt = pair.timeline.now;
    pair.timeline.runFor(LINGER - 1);
    expect(pair.client.over).toBe(false);
    pair.timeline.runUntil('over', () => pair.client.over);
    expect(pair.timeline.now - closedAt).toBe(LINGER);
    expect(pair.client.outcomes).toEqual(['aborted']);
    expect(pair.leftovers()).toMatchObject({ clientTimers: 0, clientBytes: 0 });
  });

  test('of a stream that takes longer, and moves', () => {
    const { client, timeline } = new Pair();
    client.session.attach({ send: () => {}, close: () => {} }, FIRST_OFFSETS, client.offsets(), true);
    say(client, 'abc');
    client.session.close();
    for (const received of [1, 2, 3]) {
      timeline.runFor(LINGER - 1);
      client.session.receive([{ type: 'ack', received, limit: WINDOW_INITIAL }]);
    }
    timeline.runFor(LINGER - 1);
    expect(client.outcomes).toEqual([]);
    timeline.runFor(1);
    expect(client.outcomes).toEqual(['aborted']);
  });

  test('without a link it lingers as well, and ends when one comes', () => {
    const alone = new Pair();
    say(alone.client, 'x');
    alone.client.session.close();
    alone.timeline.runFor(LINGER);
    expect(alone.client.outcomes).toEqual(['aborted']);

    const later = new Pair();
    say(later.client, 'x');
    later.client.session.close();
    later.timeline.runFor(LINGER / 2);
    later.connect();
    later.timeline.runFor(1000);
    expect(later.ends.map(({ outcomes }) => outcomes)).toEqual([['clean'], ['clean']]);
    expect(readAll(later.relay)).toBe('x');
  });

  test('before anything was said, with nobody to hear it: at once', () => {
    const { client } = new Pair();
    client.session.close();
    expect(client.outcomes).toEqual(['clean']);
    expect([client.clock.timers, client.budget.reserved]).toEqual([0, 0]);
  });

  test('is not cut short by a peer that reads nothing', () => {
    const pair = joined();
    pair.client.write(new Uint8Array(WINDOW_INITIAL));
    pair.client.session.close();
    pair.timeline.runFor(LINGER - 1);
    expect(pair.ends.map(({ outcomes }) => outcomes)).toEqual([['clean'], ['clean']]);
  });
});

describe('a peer that stops reading', () => {
  const STOP: Frame[] = [{ type: 'fin', offset: 0 }, { type: 'stop' }];

  /** A relay, and what it says on the carrier that it has now. */
  function relayWith(limit: number) {
    const { relay, timeline } = new Pair();
    let sent: Frame[] = [];
    const attach = (received: number, first: Frame[] = []) => {
      sent = [];
      const sink = { send: (frames: Frame[]) => void sent.push(...structuredClone(frames)), close: () => {} };
      relay.session.attach(sink, { received, limit }, relay.offsets(), true, first);
    };
    attach(0);
    const said = () => sent.filter(({ type }) => type !== 'pad' && type !== 'ping');
    return { relay, timeline, attach, said };
  }

  test('gets a FIN where the stream stands, and no byte after it', () => {
    const { relay, said, attach, timeline } = relayWith(WINDOW_INITIAL);
    say(relay, 'abc');
    relay.session.detach();
    say(relay, 'def');
    attach(3, STOP);
    const end: Frame[] = [
      { type: 'ack', received: 1, limit: WINDOW_INITIAL },
      { type: 'fin', offset: 3 },
    ];
    expect(said()).toEqual(end);
    // A second one does nothing.
    relay.session.receive([{ type: 'stop' }]);
    expect(relay.write(toUtf8('ghi'))).toBe(3);
    finish(relay);
    timeline.runFor(1000);
    expect(said()).toEqual(end);
    relay.session.receive([{ type: 'ack', received: 4, limit: WINDOW_INITIAL }]);
    expect(relay.outcomes).toEqual(['clean']);
  });

  test('gets what was sent before again, on the next carrier', () => {
    const { relay, said, attach } = relayWith(WINDOW_INITIAL);
    say(relay, 'abc');
    relay.session.detach();
    say(relay, 'def');
    attach(1, STOP);
    expect(said().slice(1)).toEqual([
      { type: 'data', offset: 1, bytes: toUtf8('bc') },
      { type: 'fin', offset: 3 },
    ]);
  });

  test('changes nothing for a stream that has ended', () => {
    const { relay, said } = relayWith(WINDOW_INITIAL);
    say(relay, 'abc');
    finish(relay);
    relay.session.receive(STOP);
    expect(said().filter(({ type }) => type === 'fin')).toEqual([{ type: 'fin', offset: 3 }]);
  });

  test('lets an app write on that waits for room', () => {
    const { relay } = relayWith(WINDOW_INITIAL);
    relay.write(new Uint8Array(WINDOW_INITIAL));
    expect(relay.session.roomFor(1)).toBe(0);
    let writable = 0;
    relay.onWritable = () => {
      writable += 1;
    };
    relay.session.receive(STOP);
    expect([writable, relay.session.roomFor(100_000)]).toEqual([1, 100_000]);
  });

  test('says so again on each carrier, until the FIN has come', () => {
    const pair = new Pair();
    for (const end of pair.ends) end.resumable = true;
    pair.join();
    pair.timeline.runFor(1000);
    say(pair.client, 'bye');
    pair.client.session.close();
    // Its FIN is acknowledged; the relay's own is lost.
    pair.client.session.receive([{ type: 'ack', received: 4, limit: WINDOW_INITIAL }]);
    pair.client.link?.cut();
    pair.timeline.runFor(10);
    const sent = recorded(pair.client);
    pair.join();
    pair.timeline.runFor(1000);
    expect(sent()[0]).toContain('stop');
    expect(pair.client.over).toBe(true);
  });
});

describe('over several links', () => {
  function resumable(seed: number): Pair {
    const pair = new Pair(seed);
    for (const end of pair.ends) end.resumable = true;
    return pair;
  }

  test('what the first one lost comes by the second, once', () => {
    const pair = resumable(1);
    const first = pair.join();
    say(pair.client, 'one ');
    say(pair.relay, 'eins ');
    pair.timeline.runFor(60);
    say(pair.client, 'two ');
    say(pair.relay, 'zwei ');
    pair.timeline.runFor(10);
    first.cut();
    pair.timeline.runFor(5000);
    say(pair.client, 'three');
    say(pair.relay, 'drei');
    pair.join();
    pair.timeline.runFor(500);
    expect(readAll(pair.relay)).toBe('one two three');
    expect(readAll(pair.client)).toBe('eins zwei drei');
  });

  test('overlap is trimmed: the relay has more than the grant said', () => {
    const pair = resumable(1);
    const first = pair.join();
    pair.timeline.runFor(1000);
    // The second piece and the third lie together in memory, so they are sent again together.
    say(pair.client, 'a');
    say(pair.client, 'bc');
    // The client leaves its link for a new one. What is under way on the old one arrives between grant and switch.
    pair.client.detach();
    say(pair.client, 'def');
    pair.connect({ delay: 20 });
    pair.timeline.runFor(55);
    expect([pair.relay.link === first, readAll(pair.relay)]).toEqual([true, 'abc']);
    pair.timeline.runFor(500);
    expect(pair.relay.link).not.toBe(first);
    expect(readAll(pair.relay)).toBe('def');
  });

  test.each(NAMES)('a FIN of the %s that was lost comes again, and one that arrived is not counted twice', (name) => {
    for (const lostAfter of [0, 10, 49, 51, 60, 99, 101]) {
      const pair = resumable(1);
      const first = pair.join();
      pair.timeline.runFor(1000);
      const end = pair[name];
      say(end, 'last');
      finish(end);
      pair.timeline.runFor(lostAfter);
      first.cut();
      pair.timeline.runFor(1000);
      pair.join();
      pair.timeline.runFor(1000);
      const peer = pair.peerOf(end);
      expect(readAll(peer)).toBe('last');
      expect(peer.session.drained).toBe(true);
      say(peer, 'bye');
      finish(peer);
      pair.timeline.runFor(1000);
      expect(readAll(end)).toBe('bye');
      expect(pair.ends.map(({ outcomes }) => outcomes)).toEqual([['clean'], ['clean']]);
      expect(pair.leftovers()).toEqual(NOTHING_LEFT);
    }
  });

  test.each(NAMES)('a peer of the %s that claims more than was ever sent: bad-offset', (name) => {
    const pair = resumable(1);
    pair.join();
    const end = pair[name];
    say(end, 'abc');
    pair.timeline.runFor(1000);
    end.detach();
    const sent: unknown[] = [];
    const close = vi.fn();
    end.session.attach(
      { send: (frames) => void sent.push(frames), close },
      { received: 4, limit: WINDOW_MAX },
      FIRST_OFFSETS,
      true,
    );
    expect(end.outcomes).toEqual(['bad-offset']);
    expect(sent).toEqual([[{ type: 'reset', code: TRAVELLING['bad-offset'] }]]);
    expect(close).toHaveBeenCalledTimes(1);
  });

  test('an end whose last word waits for a new link is one when that is said', () => {
    const { relay, timeline } = new Pair();
    const sent: Frame[] = [];
    const lost: FrameSink = { send: () => {}, close: () => {} };
    relay.session.attach(lost, { received: 0, limit: WINDOW_INITIAL }, relay.offsets(), true);
    relay.session.receive([{ type: 'ping', id: 1 }]);
    say(relay, 'bye');
    finish(relay);
    const grant = relay.offsets();
    // Between grant and switch the client's FIN comes by the old link, and its ACK is lost with that.
    relay.session.receive([{ type: 'fin', offset: 0 }]);
    relay.session.attach(
      { ...lost, send: (frames) => void sent.push(...frames) },
      { received: 4, limit: 0 },
      grant,
      true,
    );
    relay.session.receive([{ type: 'ack', received: 4, limit: 0 }]);
    timeline.runFor(1000);
    expect(sent).toContainEqual({ type: 'ack', received: 1, limit: WINDOW_INITIAL });
    expect(relay.outcomes).toEqual(['clean']);
    expect(relay.clock.timers).toBe(0);
  });

  test('nothing is sent while there is no link', () => {
    const pair = resumable(1);
    pair.join();
    pair.timeline.runFor(1000);
    pair.client.log = [];
    pair.client.detach();
    say(pair.client, 'x');
    pair.client.session.ping();
    pair.client.session.flush();
    pair.timeline.runFor(3_600_000);
    expect(pair.client.log).toEqual([]);
    expect(pair.client.over).toBe(false);
  });
});
