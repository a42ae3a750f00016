/**
 * What a browser tells of the device's network: `online` comes with a network after there was none; Chromium's `connection`
 * also tells when one has replaced another.
 */
export function onNetworkChange(changed: () => void, signal: AbortSignal): void {
  const { connection } = (globalThis.navigator ?? {}) as { connection?: Partial<EventTarget> };
  globalThis.addEventListener?.('online', changed, { signal });
  connection?.addEventListener?.('change', changed, { signal });
}
