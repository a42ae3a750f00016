/** A check that its client neither ends nor leaves. */
import { afterEach, expect, it, vi } from 'vitest';
import type { Code } from '../../protocol/errors.ts';
import { CHECK_TIME } from '../../protocol/limits.ts';
import { joinEcho } from '../../worker/session/echo.ts';

afterEach(() => {
  vi.useRealTimers();
});

it('is over after CHECK_TIME', async () => {
  vi.useFakeTimers();
  const ended: (Code | undefined)[] = [];
  const pipe = await joinEcho((code) => ended.push(code));
  const run = pipe.run();
  await vi.advanceTimersByTimeAsync(CHECK_TIME - 1);
  expect(ended).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(ended).toEqual(['idle']);
  await run;
});

it('leaves no timer when it ends before', async () => {
  vi.useFakeTimers();
  const before = vi.getTimerCount();
  const pipe = await joinEcho(() => {});
  const run = pipe.run();
  pipe.session.abandon('carrier-lost');
  await run;
  expect(vi.getTimerCount()).toBe(before);
});
