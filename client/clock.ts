import type { Clock } from '../protocol/waiting.ts';

export const clock: Clock = {
  // Not `Date`: a clock that is set while a session runs must not look like silence.
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
