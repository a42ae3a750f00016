/** Waits that end: by a signal, or by a time. */

export interface Clock {
  /** Milliseconds; only differences count. */
  now(): number;
  /** Runs once after `ms`, unless the returned function is called first. */
  after(ms: number, run: () => void): () => void;
}

/**
 * Runs once when the signal is aborted, at once where it has been.
 * @returns what takes it back
 */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) run();
  else signal.addEventListener('abort', run, { once: true });
  return () => signal.removeEventListener('abort', run);
}

/** What the promise comes to; `undefined` after `ms`, or when the signal is aborted first. */
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
