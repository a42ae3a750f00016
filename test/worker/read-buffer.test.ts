/** How much memory the reads from a backend ask for. */
import { expect, it } from 'vitest';
import { READ_MAX, READ_MIN, ReadBuffer } from '../../worker/session/read-buffer.ts';

function counted(grants: boolean) {
  const budget = {
    reserved: 0,
    reserve(bytes: number) {
      if (grants) budget.reserved += bytes;
      return grants;
    },
    release(bytes: number) {
      budget.reserved -= bytes;
    },
  };
  return budget;
}

/** As if a read of `wanted` bytes had given `length`. */
function read(buffer: ReadBuffer, wanted: number, length: number): { memory: ArrayBuffer; handedOver: boolean } {
  const view = buffer.view(wanted);
  expect(view.length).toBe(wanted);
  return { memory: view.buffer, handedOver: buffer.filled(view.subarray(0, length), wanted) };
}

it('grows while it is filled, and shrinks at once', () => {
  const budget = counted(true);
  const buffer = new ReadBuffer(budget);
  const sizes: number[] = [];
  for (let round = 0; round < 5; round++) {
    sizes.push(buffer.size);
    read(buffer, buffer.size, buffer.size);
  }
  expect(sizes).toEqual([READ_MIN, 4 * READ_MIN, 16 * READ_MIN, READ_MAX, READ_MAX]);
  read(buffer, READ_MAX, 50_000);
  expect(buffer.size).toBe(200_000);
  read(buffer, 200_000, 10);
  expect(buffer.size).toBe(READ_MIN);
  expect(budget.reserved).toBe(READ_MAX);
  buffer.release();
  buffer.release();
  expect(budget.reserved).toBe(0);
});

it('stays as it is when a read was short only of room', () => {
  const buffer = new ReadBuffer(counted(true));
  for (let round = 0; round < 4; round++) read(buffer, buffer.size, buffer.size);
  read(buffer, 1, 1);
  expect(buffer.size).toBe(READ_MAX);
});

it('stays small when the budget is used up', () => {
  const buffer = new ReadBuffer(counted(false));
  for (let round = 0; round < 4; round++) {
    expect(buffer.size).toBe(READ_MIN);
    read(buffer, READ_MIN, READ_MIN);
  }
  buffer.release();
});

it('uses the memory of a few bytes again, and hands over that of many', () => {
  const buffer = new ReadBuffer(counted(false));
  const first = read(buffer, READ_MIN, 10);
  const second = read(buffer, READ_MIN, READ_MIN / 2);
  const third = read(buffer, READ_MIN, 1);
  expect([first.handedOver, second.handedOver]).toEqual([false, true]);
  expect(second.memory).toBe(first.memory);
  expect(third.memory).not.toBe(first.memory);
});
