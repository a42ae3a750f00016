/**
 * Time limits for a network. A limit does not count the time in which this process itself is late: busy, stopped, or on
 * a device that slept.
 */

/**
 * Milliseconds. A tick that fires late counts as one in time. A tick is small beside each patience, and so rare that it
 * costs nothing.
 */
const TICK = 100;

/**
 * Calls `lost` once, after `ms` milliseconds in which this process was on time and nothing moved. Between two ticks the
 * process hears what came while it was late.
 * @param moved counts what the network lets through; each increase begins the patience anew
 * @returns a function that ends the patience
 */
export function patience(ms: number, lost: () => void, moved = () => 0): () => void {
  const whole = Math.ceil(ms / TICK);
  let left = whole;
  let seen = moved();
  // Node counts the next interval from the end of this one, even when this one ends late.
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
