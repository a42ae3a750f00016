/**
 * Runs once when the signal is aborted, at once where it has been.
 * @returns what takes it back
 */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) run();
  else signal.addEventListener('abort', run, { once: true });
  return () => signal.removeEventListener('abort', run);
}
