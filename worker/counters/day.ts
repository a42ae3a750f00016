/** Days, by UTC. */

/** Milliseconds. */
export const DAY = 24 * 60 * 60_000;

/** `2026-11-25`, of a time by `Date.now()`. */
export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);
