/** Patience with a network, of a process that may itself be late: busy, stopped, or on a device that slept. */

/** A tick that fires late counts as one in time. Small beside each patience, and seldom enough to cost nothing. */
const TICK = 100;

/**
 * Calls `lost` once, after so many milliseconds in which this process was on time and nothing moved. Between two ticks the process hears what
 * came while it was late.
 * @param moved counts what the network lets through: the patience begins anew with each
 * @returns what ends the patience
 */
export function patience(ms: number, lost: () => void, moved = () => 0): () => void {
  const whole = Math.ceil(ms / TICK);
  let left = whole;
  let seen = moved();
  // Node counts the next interval from the end of this one, however late that is.
  const timer = setInterval(() => {
    const count = moved();
    left = count > seen ? whole : left - 1;
    seen = count;
    if (left > 0) return;
    clearInterval(timer);
    lost();
  }, TICK);
  return () => clearInterval(timer);
}
