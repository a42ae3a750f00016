/**
 * Reports a browser's changes of network. `online` comes when there is a network again. Chromium's `connection` also
 * reports when one network has replaced another.
 */
export function onNetworkChange(changed: () => void, signal: AbortSignal): void {
  const { connection } = (globalThis.navigator ?? {}) as { connection?: Partial<EventTarget> };
  globalThis.addEventListener?.('online', changed, { signal });
  connection?.addEventListener?.('change', changed, { signal });
}
