/** One end against a peer that says what it should not. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Bytes, EMPTY, toUtf8 } from '../../protocol/bytes.ts';
import { type Code, toWire } from '../../protocol/errors.ts';
import { DATA_MAX, PAD_MAX, UNOPENED_RECORDS_MAX, WINDOW_INITIAL, WINDOW_MAX } from '../../protocol/limits.ts';
import type { Frame } from '../../protocol/session/frames.ts';
import { End, FIRST_OFFSETS, Random, Timeline } from '../support/network/simulation.ts';
import { own } from './helpers.ts';

const NAMES = ['client', 'relay'] as const;
const data = (offset: number, bytes: Bytes = Uint8Array.of(1)): Frame => ({ type: 'data', offset, bytes });
const fin = (offset: number): Frame => ({ type: 'fin', offset });
const ack = (received: number, limit = 0): Frame => ({ type: 'ack', received, limit });

/** One end, joined to a script. */
class Scripted extends End {
  readonly sent: Frame[][] = [];
  closed = 0;

  readonly timeline: Timeline;

  constructor(name: 'client' | 'relay') {
    const timeline = new Timeline();
    super(name, timeline, new Random(1));
    this.timeline = timeline;
    const send = (frames: Frame[]) => {
      if (this.closed > 0) throw new Error('sent after close');
      this.sent.push(frames);
    };
    this.session.attach(
      { send, close: () => this.#close() },
      { received: 0, limit: WINDOW_INITIAL },
      FIRST_OFFSETS,
      true,
    );
  }

  gets(...frames: Frame[]): void {
    this.session.receive(frames);
  }

  #close(): void {
    this.closed += 1;
  }

  frames(type: Frame['type']): Frame[] {
    return this.sent.flat().filter((frame) => frame.type === type);
  }

  /** Ended by this end for this reason, which the peer was told in the last record. */
  expectReset(code: Code): void {
    expect(this.outcomes).toEqual([code]);
    expect(this.sent.at(-1)).toEqual([{ type: 'reset', code: toWire(code) }]);
    expect([this.closed, this.clock.timers, this.budget.reserved]).toEqual([1, 0, 0]);
    expect(this.session.take()).toBeUndefined();
  }
}

describe.each(NAMES)('the %s', (name) => {
  let end: Scripted;
  beforeEach(() => {
    end = new Scripted(name);
  });

  const rules: [what: string, code: Code, play: (end: Scripted) => void][] = [
    ['an ACK of what was never sent', 'bad-offset', (end) => end.gets(ack(1))],
    [
      'an ACK one past what was sent',
      'bad-offset',
      (end) => {
        end.write(toUtf8('abc'));
        end.session.flush();
        end.gets(ack(4));
      },
    ],
    [
      'an ACK of what was written but not sent',
      'bad-offset',
      (end) => {
        end.write(toUtf8('abc'));
        end.gets(ack(3));
      },
    ],
    [
      'an ACK of a FIN that was not sent',
      'bad-offset',
      (end) => {
        end.write(toUtf8('abc'));
        end.session.flush();
        end.session.finish();
        end.gets(ack(4));
      },
    ],
    ['DATA after a gap', 'bad-offset', (end) => end.gets(data(1))],
    ['DATA after a gap, later', 'bad-offset', (end) => end.gets(data(0), data(2))],
    [
      'DATA past the limit',
      'bad-credit',
      (end) => {
        end.gets(data(0, new Uint8Array(WINDOW_INITIAL)));
        end.gets(data(WINDOW_INITIAL, new Uint8Array(1)));
      },
    ],
    ['DATA past the limit, far away', 'bad-credit', (end) => end.gets(data(Number.MAX_SAFE_INTEGER))],
    [
      'overlapping DATA past the limit',
      'bad-credit',
      (end) => {
        end.gets(data(0, new Uint8Array(DATA_MAX)));
        end.gets(data(1000, new Uint8Array(DATA_MAX)));
      },
    ],
    [
      'taken, not consumed: still past the limit',
      'bad-credit',
      (end) => {
        end.gets(data(0, new Uint8Array(DATA_MAX)));
        while (end.session.take());
        end.gets(data(DATA_MAX, new Uint8Array(DATA_MAX)));
      },
    ],
    ['DATA after the FIN', 'bad-offset', (end) => end.gets(data(0), fin(1), data(1))],
    ['DATA across the FIN', 'bad-offset', (end) => end.gets(data(0), fin(1), data(0, new Uint8Array(2)))],
    ['a FIN beyond the data', 'bad-offset', (end) => end.gets(data(0), fin(2))],
    ['a FIN before its end', 'bad-offset', (end) => end.gets(data(0), fin(0))],
    ['a FIN that moves back', 'bad-offset', (end) => end.gets(data(0, new Uint8Array(5)), fin(5), fin(4))],
    ['a FIN that moves on', 'bad-offset', (end) => end.gets(data(0, new Uint8Array(5)), fin(5), fin(6))],
  ];

  test.each(rules)('%s: %s', (_what, code, play) => {
    play(end);
    end.expectReset(code);
    const told = end.sent.length;
    end.gets(data(0), fin(1), { type: 'ping', id: 1 }, { type: 'reset', code: toWire('aborted') });
    expect([end.sent.length, end.outcomes.length, end.closed]).toEqual([told, 1, 1]);
  });

  test('what stands in a record behind the fault is not looked at', () => {
    let readable = 0;
    end.onReadable = () => {
      readable += 1;
    };
    end.gets(ack(1), data(0), { type: 'reset', code: toWire('aborted') });
    end.expectReset('bad-offset');
    expect(readable).toBe(0);
  });

  test('the whole window is allowed, and not one byte more', () => {
    end.gets(data(0, new Uint8Array(WINDOW_INITIAL - 1)));
    end.gets(data(WINDOW_INITIAL - 1, new Uint8Array(1)));
    end.gets(fin(WINDOW_INITIAL));
    expect(end.over).toBe(false);
    let taken = 0;
    for (let bytes = end.session.take(); bytes; bytes = end.session.take()) taken += bytes.length;
    expect([taken, end.session.drained]).toEqual([WINDOW_INITIAL, true]);
  });

  test('DATA again, whole or in part, is trimmed to what is new', () => {
    end.gets(data(0, toUtf8('abc')));
    end.gets(data(0, toUtf8('abc')), data(1, toUtf8('b')), data(3, EMPTY), data(0, EMPTY));
    end.gets(data(1, toUtf8('bcde')));
    end.gets(data(0, toUtf8('abcdef')), fin(6), fin(6), data(2, toUtf8('cdef')));
    const pieces: Bytes[] = [];
    for (let bytes = end.session.take(); bytes; bytes = end.session.take()) pieces.push(bytes);
    expect(Buffer.concat(pieces).toString()).toBe('abcdef');
    expect([end.session.drained, end.over]).toEqual([true, false]);
  });

  test('an old ACK takes nothing back', () => {
    end.write(toUtf8('abc'));
    end.session.flush();
    end.gets(ack(3, WINDOW_INITIAL + 3));
    const { room } = end.session;
    expect(room).toBe(WINDOW_INITIAL);
    end.gets(ack(1, 10));
    end.gets(ack(0, 0));
    expect([end.session.room, end.over]).toEqual([room, false]);
  });

  test('a limit without end brings no more into memory than a window', () => {
    for (let round = 0; round < 200; round++) {
      end.write(new Uint8Array(DATA_MAX));
      end.gets(ack(0, Number.MAX_SAFE_INTEGER));
    }
    expect(end.accepted).toBe(WINDOW_INITIAL);
    // However fast it acknowledges, and however much it grants.
    for (let round = 0; round < 200; round++) {
      end.gets(ack(end.accepted, Number.MAX_SAFE_INTEGER));
      const start = end.accepted;
      while (end.write(new Uint8Array(DATA_MAX)) > 0) expect(end.accepted - start).toBeLessThanOrEqual(WINDOW_MAX);
      end.session.flush();
    }
    expect(end.budget.reserved).toBe(WINDOW_MAX + WINDOW_INITIAL);
    expect(end.session.room).toBe(0);
  });

  test('a flood of PINGs in one record has one answer, to the last', () => {
    const before = end.sent.length;
    end.gets(...Array.from({ length: 1000 }, (_, id): Frame => ({ type: 'ping', id })));
    expect(end.sent.length).toBe(before + 1);
    expect(end.frames('pong')).toEqual([{ type: 'pong', id: 999 }]);
  });

  test('a flood of PINGs whose answers nobody reads ends in flood', () => {
    const few = UNOPENED_RECORDS_MAX - 100;
    for (let id = 0; id < few; id++) end.gets({ type: 'ping', id });
    expect(end.over).toBe(false);
    for (let id = 0; id < 200 && !end.over; id++) end.gets({ type: 'ping', id });
    end.expectReset('flood');
  });

  test('PINGs that are many, but whose answers are read, do no harm', () => {
    for (let id = 0; id < 3 * UNOPENED_RECORDS_MAX; id++) {
      end.gets({ type: 'ping', id });
      const asked = end.sent.splice(0).flat();
      for (const frame of asked) if (frame.type === 'ping') end.gets({ type: 'pong', id: frame.id });
    }
    expect(end.over).toBe(false);
  });

  test('ACKs that are guessed free no room beyond what a PING has proven', () => {
    end.gets(ack(0, 2 ** 50));
    let written = 0;
    const pump = () => {
      for (let round = 0; round < 1000; round++) {
        written += end.write(new Uint8Array(DATA_MAX));
        end.session.flush();
        end.timeline.runFor(1);
        // It has received nothing, and acknowledges all that it believes was sent.
        if (!end.over) end.gets(ack(written, 2 ** 50));
      }
    };
    pump();
    expect(written).toBeGreaterThan(WINDOW_INITIAL);
    expect(written).toBeLessThanOrEqual(2 * WINDOW_MAX);
    const before = written;
    const asked = () =>
      end
        .frames('ping')
        .flatMap((frame) => (frame.type === 'ping' ? [frame.id] : []))
        .at(-1) ?? 0;
    end.gets({ type: 'pong', id: asked() ^ 1 });
    pump();
    expect(written).toBe(before);
    // The client's first PING was sent with its first record, and proves no more than that.
    for (const _ of NAMES) {
      end.gets({ type: 'pong', id: asked() });
      pump();
    }
    expect(written).toBeGreaterThan(before);
  });

  test('PINGs wait for one flush together while none is possible', () => {
    end.session.detach();
    for (let id = 0; id < 1000; id++) end.gets({ type: 'ping', id });
    end.session.detach();
    end.session.attach(
      { send: (frames) => void end.sent.push(frames), close: () => {} },
      { received: 0, limit: 0 },
      FIRST_OFFSETS,
      true,
    );
    // A PING of an older carrier is not answered on the next.
    expect(end.frames('pong')).toEqual([]);
  });

  test('a flood of PAD and of PONG is heard and forgotten', () => {
    const before = end.sent.length;
    const { reserved } = end.budget;
    for (let round = 0; round < 5000; round++) end.gets({ type: 'pad', length: PAD_MAX }, { type: 'pong', id: round });
    expect([end.sent.length - before, end.over, end.budget.reserved]).toEqual([0, false, reserved]);
    expect(end.clock.timers).toBe(1);
  });

  test('a flood of empty DATA costs nothing and is answered by nothing', () => {
    const before = end.sent.length;
    let readable = 0;
    end.onReadable = () => {
      readable += 1;
    };
    for (let round = 0; round < 5000; round++) end.gets(data(0, EMPTY));
    expect([end.sent.length - before, readable, end.session.take()]).toEqual([0, 0, undefined]);
  });

  test('a stream in single bytes is acknowledged when much has come, or in time', () => {
    const before = end.sent.length;
    for (let offset = 0; offset < WINDOW_INITIAL / 2; offset++) end.gets(data(offset));
    expect(end.sent.length - before).toBe(name === 'client' ? 1 : 2);
    expect(end.budget.reserved).toBe(2 * WINDOW_INITIAL);
  });

  test('while closing, what still comes is thrown away, to the same rules', () => {
    end.write(toUtf8('bye'));
    end.session.close();
    for (let offset = 0; offset < WINDOW_INITIAL - 1000; offset += 1000) end.gets(data(offset, new Uint8Array(1000)));
    expect([end.session.take(), end.over]).toEqual([undefined, false]);
    end.gets(data(WINDOW_INITIAL));
    end.expectReset('bad-credit');
  });

  test('a carrier that brings the end brings nothing after it', () => {
    let after = 0;
    end.onWritable = () => {
      if (end.over) after += 1;
    };
    const sink = { send: () => {}, close: () => {} };
    end.session.detach();
    end.session.attach(sink, { received: 0, limit: 0 }, FIRST_OFFSETS, true, [
      { type: 'reset', code: toWire('aborted') },
    ]);
    expect([end.outcomes, after]).toEqual([['aborted'], 0]);
  });

  test('closed before its first carrier, it keeps nothing of what came with the hello', () => {
    const early = new End(name, end.timeline, new Random(1));
    early.session.receive([data(0)]);
    early.session.close();
    expect([early.outcomes, early.session.take(), early.budget.reserved]).toEqual([['clean'], undefined, 0]);
  });

  test('no frames in any order make it throw, hold too much, or stay over with anything left', () => {
    const offset = fc.oneof(fc.nat(12), fc.nat(2 * WINDOW_INITIAL), fc.integer({ min: 0, max: 2 ** 53 - 1 }));
    const frame: fc.Arbitrary<Frame> = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.tuple(fc.nat(12), fc.uint8Array({ maxLength: 9 })).map(([at, bytes]) => data(at, own(bytes))),
      },
      fc.tuple(offset, fc.nat(DATA_MAX)).map(([at, length]) => data(at, new Uint8Array(length))),
      fc.tuple(fc.nat(12), offset).map(([received, limit]) => ack(received, limit)),
      fc.oneof(fc.nat(12), offset).map(fin),
      fc.nat(255).map((code): Frame => ({ type: 'reset', code })),
      fc.nat(5).map((id): Frame => ({ type: 'ping', id })),
      fc.nat(5).map((id): Frame => ({ type: 'pong', id })),
    );
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.array(frame, { minLength: 1, maxLength: 4 }) },
      fc.constantFrom('write', 'take', 'finish', 'close', 'detach', 'attach', 'wait', 'flush'),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const end = new Scripted(name);
        const { session } = end;
        let arrived = 0;
        for (const step of steps) {
          if (typeof step !== 'string') end.gets(...step);
          else if (step === 'write') end.write(new Uint8Array(5));
          else if (step === 'take') {
            const length = session.take()?.length ?? 0;
            arrived += length;
            end.consume(length);
          } else if (step === 'wait') end.timeline.runFor(3000);
          else if (step === 'attach')
            session.attach({ send: () => {}, close: () => {} }, { received: 0, limit: 0 }, FIRST_OFFSETS, true);
          else session[step]();
          if (session.room > WINDOW_MAX) throw new Error('room');
          if (!end.over && end.clock.timers > 1) throw new Error('timers');
        }
        expect(arrived).toBeLessThanOrEqual(end.consumed);
        if (!end.over) session.abandon('aborted');
        session.discard();
        expect([end.outcomes.length, end.clock.timers, end.budget.reserved]).toEqual([1, 0, 0]);
        end.timeline.runFor(100_000);
        expect(end.outcomes.length).toBe(1);
      }),
      { numRuns: 1500 },
    );
  });
});

test('only a client measures, only a relay keeps alive: a PONG means nothing to a relay', () => {
  const relay = new Scripted('relay');
  relay.gets({ type: 'pong', id: 1 });
  expect(relay.session.roundTrip).toBeUndefined();
});
