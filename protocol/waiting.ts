/** Waits that a signal or a time ends. */

export interface Clock {
  /** Milliseconds from any start; use only differences. */
  now(): number;
  /** Runs once after `ms`, unless the returned function is called first. */
  after(ms: number, run: () => void): () => void;
}

/**
 * Runs once when the signal is aborted, or at once when it already is.
 * @returns a function that removes the listener
 */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) run();
  else signal.addEventListener('abort', run, { once: true });
  return () => signal.removeEventListener('abort', run);
}

/** The value or the rejection of the promise; `undefined` after `ms`, or when the signal is aborted first. */
export function within<T>(clock: Clock, ms: number, promise: Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let release = () => {};
    const end = () => {
      cancel();
      release();
    };
    const giveUp = () => {
      end();
      resolve(undefined);
    };
    const cancel = clock.after(ms, giveUp);
    if (signal) release = onAbort(signal, giveUp);
    promise.then(resolve, reject).finally(end);
  });
}
