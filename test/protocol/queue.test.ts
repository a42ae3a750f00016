/** ByteQueue against a naive model, and its promise about memory. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../protocol/bytes.ts';
import { BLOCK, ByteQueue } from '../../protocol/session/queue.ts';
import { thrown } from './helpers.ts';

/** Everything from `from` on, piece by piece. */
function pieces(queue: ByteQueue, from = queue.start): Bytes[] {
  const found: Bytes[] = [];
  for (let at = from; at < queue.end; ) {
    const piece = queue.peek(at, Number.POSITIVE_INFINITY);
    if (piece.length === 0) throw new Error(`nothing at ${at}, before the end`);
    found.push(piece);
    at += piece.length;
  }
  return found;
}

/** What the queue holds in memory, by the buffers behind its pieces. */
function cost(queue: ByteQueue): number {
  const buffers = new Set(pieces(queue).map((piece) => piece.buffer));
  return [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0);
}

let next = 0;
/** Bytes that differ from those before and after them. */
function fresh(length: number, inBufferOf = length): Bytes {
  const bytes = new Uint8Array(inBufferOf).subarray(inBufferOf - length);
  for (let index = 0; index < length; index++) bytes[index] = (next++ * 167) >> 3;
  return bytes;
}

const size = fc.oneof(
  fc.nat(3),
  fc.nat(200),
  fc.constantFrom(BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK),
  fc.nat(3 * BLOCK),
);
const step = fc.oneof(
  fc.record({ do: fc.constant('push'), size, owned: fc.boolean(), slack: fc.constantFrom(0, 1, 50, 20000) }),
  fc.record({ do: fc.constant('drop'), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ do: fc.constant('peek'), part: fc.double({ min: 0, max: 1, noNaN: true }), max: size }),
  fc.record({ do: fc.constant('clear') }),
);

test('holds what a plain array would, at the same offsets', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new ByteQueue();
      let model = Buffer.alloc(0);
      let start = 0;
      for (const action of steps) {
        if (action.do === 'push') {
          const bytes = fresh(action.size, action.size + action.slack);
          model = Buffer.concat([model, bytes]);
          queue.push(bytes, action.owned);
          // Who does not own them may write to them again.
          if (!action.owned) bytes.fill(0xaa);
        } else if (action.do === 'drop') {
          const offset = start + Math.floor(action.part * model.length);
          queue.dropTo(offset);
          model = model.subarray(offset - start);
          start = offset;
        } else if (action.do === 'clear') {
          queue.clear();
          start += model.length;
          model = Buffer.alloc(0);
        } else {
          const at = Math.floor(action.part * model.length);
          const seen = queue.peek(start + at, action.max);
          if (action.max > 0 && at < model.length && seen.length === 0) throw new Error('peek found nothing');
          if (seen.length > action.max) throw new Error('peek gave too much');
          if (!model.subarray(at, at + seen.length).equals(seen)) throw new Error('peek gave other bytes');
        }
        if (queue.start !== start || queue.end !== start + model.length) throw new Error('offsets');
        if (!Buffer.concat(pieces(queue)).equals(model)) throw new Error('content');
      }
    }),
    { numRuns: 1000 },
  );
});

test('what was peeked stays as it was, whatever is pushed afterwards', () => {
  const queue = new ByteQueue();
  queue.push(fresh(10), false);
  queue.push(fresh(10), false);
  const piece = queue.peek(10, 100);
  const before = piece.slice();
  for (let round = 0; round < 1000; round++) queue.push(fresh(7), false);
  expect(piece).toEqual(before);
});

describe('ownership', () => {
  test.each([1, BLOCK - 1, BLOCK, 3 * BLOCK])('%d bytes that are not owned are copied', (length) => {
    const queue = new ByteQueue();
    const bytes = fresh(length);
    const before = bytes.slice();
    queue.push(bytes, false);
    bytes.fill(0);
    expect(Buffer.concat(pieces(queue)).equals(before)).toBe(true);
  });

  test('large owned ones are not copied, unless they would hold far more memory', () => {
    const queue = new ByteQueue();
    const bytes = fresh(BLOCK);
    queue.push(bytes, true);
    expect(queue.peek(0, 1).buffer).toBe(bytes.buffer);
    queue.push(fresh(BLOCK, 2 * BLOCK + 1), true);
    expect(queue.peek(BLOCK, 1).buffer.byteLength).toBe(BLOCK);
  });
});

describe('memory', () => {
  test.each([1, 2, 3, 100, 1000, 2048, 2049, 4095, 4097])('pushes of %d bytes cost at most about twice', (length) => {
    for (const owned of [false, true]) {
      const queue = new ByteQueue();
      for (let total = 0; total < 300_000; total += length) queue.push(fresh(length), owned);
      expect(cost(queue)).toBeLessThanOrEqual(2 * (queue.end - queue.start) + BLOCK);
      // Few pieces, too: a piece is an object.
      expect(pieces(queue).length).toBeLessThanOrEqual((2 * (queue.end - queue.start)) / BLOCK + 2);
    }
  });

  test('a lone small message takes just its size', () => {
    const queue = new ByteQueue();
    for (let round = 0; round < 100; round++) {
      queue.push(fresh(20), false);
      expect(cost(queue)).toBe(20);
      queue.clear();
    }
  });

  test('stays in proportion while a stream flows through', () => {
    const queue = new ByteQueue();
    for (let round = 0; round < 20_000; round++) {
      queue.push(fresh(1 + (round % 90)), false);
      if (queue.end - queue.start > 10_000) queue.dropTo(queue.end - 10_000 + (round % 50));
      if (round % 500 === 0) expect(cost(queue)).toBeLessThanOrEqual(2 * 10_000 + 2 * BLOCK);
    }
  });

  test('random sizes', () => {
    const sizes = fc.array(fc.tuple(size, fc.boolean()), { minLength: 20, maxLength: 100 });
    fc.assert(
      fc.property(sizes, (pushes) => {
        const queue = new ByteQueue();
        for (const [length, owned] of pushes) queue.push(fresh(length), owned);
        // A block may be left almost empty by the large piece that comes next; never two in a row.
        expect(cost(queue)).toBeLessThanOrEqual(2 * queue.end + BLOCK);
      }),
      { numRuns: 500 },
    );
  });
});

test('offsets that are not held are refused', () => {
  const queue = new ByteQueue();
  queue.push(fresh(100), false);
  queue.dropTo(40);
  for (const offset of [39, 101, -1]) expect(thrown(() => queue.peek(offset, 1))).toBeInstanceOf(RangeError);
  expect(thrown(() => queue.dropTo(101))).toBeInstanceOf(RangeError);
  queue.dropTo(10);
  expect([queue.start, queue.end]).toEqual([40, 100]);
  expect(queue.peek(100, 5).length).toBe(0);
});

test('many small chunks are found and dropped in good time', () => {
  const queue = new ByteQueue();
  const pushed: number[] = [];
  for (let round = 0; round < 3000; round++) {
    queue.push(fresh(BLOCK), true);
    pushed.push(queue.end);
  }
  for (const [index, end] of pushed.entries()) {
    expect(queue.peek(end - 1, 10).length).toBe(1);
    queue.dropTo(end - 1);
    queue.dropTo(end);
    expect(queue.start).toBe((index + 1) * BLOCK);
  }
});

test("Node's Buffers are copied like any bytes, though their `slice` copies nothing", () => {
  for (const length of [10, BLOCK, 65_000]) {
    const queue = new ByteQueue();
    const bytes = Buffer.alloc(length, 1);
    queue.push(bytes, false);
    bytes.fill(2);
    expect(Buffer.concat(pieces(queue)).equals(Buffer.alloc(length, 1))).toBe(true);
  }
});

test('what is dropped to be freed is freed, but for what shares its buffer', () => {
  const queue = new ByteQueue();
  const [whole, part] = [fresh(BLOCK), fresh(BLOCK, BLOCK + 10)];
  queue.push(whole, true);
  queue.push(part, true);
  queue.push(fresh(BLOCK), true);
  queue.dropTo(BLOCK - 1, true);
  expect(whole).toHaveLength(BLOCK);
  queue.dropTo(2 * BLOCK, true);
  expect([whole.length, part.length]).toEqual([0, BLOCK]);
});
