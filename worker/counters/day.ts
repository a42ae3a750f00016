/** Days, by UTC. */

/** A day in milliseconds. */
export const DAY = 24 * 60 * 60_000;

/** The day of a time by `Date.now()`, in the form `2026-11-25`. */
export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);
