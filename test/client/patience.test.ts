/** Patience: what a process misses while it is late is not held against the network. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { patience } from '../../client/node/dialer/patience.ts';
import { blockFor } from '../support/block.ts';
import { until } from '../support/until.ts';

it('ends when nothing moves for so long, once', async () => {
  const lost = vi.fn();
  patience(300, lost);
  await until('it ends', () => lost.mock.calls.length > 0);
  await sleep(500);
  expect(lost).toHaveBeenCalledOnce();
});

it('does not end while its process is blocked, nor before it has heard what came meanwhile', async () => {
  const lost = vi.fn();
  let heard = false;
  patience(500, () => lost(heard));
  for (let times = 0; times < 3; times += 1) {
    blockFor(700);
    await sleep(0);
  }
  expect(lost).not.toHaveBeenCalled();
  heard = true;
  await until('it ends', () => lost.mock.calls.length > 0);
  expect(lost.mock.calls).toEqual([[true]]);
});

it('begins anew when something moves', async () => {
  const lost = vi.fn();
  let moved = 0;
  patience(500, lost, () => moved);
  for (let times = 0; times < 5; times += 1) {
    await sleep(250);
    moved += 1;
  }
  expect(lost).not.toHaveBeenCalled();
  // Less than before is nothing new.
  moved = 0;
  await until('it ends', () => lost.mock.calls.length > 0);
});

it('ends without a word for whoever needs it no more', async () => {
  const lost = vi.fn();
  patience(200, lost)();
  await sleep(500);
  expect(lost).not.toHaveBeenCalled();
});
