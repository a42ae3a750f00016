import type { Clock } from '../protocol/waiting.ts';

export const clock: Clock = {
  // Not `Date`: somebody may set the clock while a session runs, and that must not look like silence.
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
