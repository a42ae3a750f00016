import { expect, test } from 'vitest';
import { Wakeup } from '../../protocol/wakeup.ts';

const settled = async (wait: Promise<void>) => {
  let done = false;
  wait.then(() => {
    done = true;
  });
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  return done;
};

test('wakes who waits, once for each set', async () => {
  const signal = new Wakeup();
  const wait = signal.wait();
  expect(await settled(wait)).toBe(false);
  signal.set();
  expect(await settled(wait)).toBe(true);
  expect(await settled(signal.wait())).toBe(false);
});

test('set before the wait wakes it as well, several times counting as one', async () => {
  const signal = new Wakeup();
  signal.set();
  signal.set();
  expect(await settled(signal.wait())).toBe(true);
  const next = signal.wait();
  expect(await settled(next)).toBe(false);
  signal.set();
  expect(await settled(next)).toBe(true);
});
