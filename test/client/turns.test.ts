/** Turns: how many at a time, in which order, and who leaves. */
import { setImmediate as tick } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Turns } from '../../client/node/dialer/turns.ts';

/** Some that run until they are told to end. */
function runners(turns: Turns, count: number) {
  const begun: number[] = [];
  const all = Array.from({ length: count }, (_, number) => {
    const over = new AbortController();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const run = () => {
      begun.push(number);
      return promise;
    };
    const end = turns.run(run, over.signal).catch((error: Error) => error.message);
    return { end, over, resolve, reject };
  });
  return { begun, all };
}

it('are so many at a time, in the order in which they were asked for', async () => {
  const { begun, all } = runners(new Turns(2), 5);
  await tick();
  expect(begun).toEqual([0, 1]);
  all[1]?.resolve(1);
  await tick();
  expect(begun).toEqual([0, 1, 2]);
  all[0]?.reject(new Error('failed'));
  all[2]?.resolve(2);
  await tick();
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  for (const { resolve } of all) resolve(9);
  expect(await Promise.all(all.map(({ end }) => end))).toEqual(['failed', 1, 2, 9, 9]);
});

it('are free again when all are over', async () => {
  const turns = new Turns(1);
  for (let times = 0; times < 3; times += 1) {
    const { all } = runners(turns, 2);
    for (const { resolve } of all) resolve(times);
    expect(await Promise.all(all.map(({ end }) => end))).toEqual([times, times]);
  }
});

it('pass whoever is given up', async () => {
  const turns = new Turns(1);
  const { begun, all } = runners(turns, 4);
  await tick();
  // One that waits leaves; one under way hears of it itself.
  for (const number of [0, 2]) all[number]?.over.abort(new Error('given up'));
  expect(await all[2]?.end).toBe('given up');
  expect(begun).toEqual([0]);
  all[0]?.resolve(0);
  all[1]?.resolve(1);
  await tick();
  expect(begun).toEqual([0, 1, 3]);
  await expect(turns.run(async () => 5, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
});
