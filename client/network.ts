/**
 * What a browser tells of the device's network: `online` comes with a network after there was none; Chromium's `connection`
 * also tells when one has replaced another.
 */
export function onNetworkChange(changed: () => void): () => void {
  const { connection } = (globalThis.navigator ?? {}) as { connection?: Partial<EventTarget> };
  const sources: [Partial<EventTarget> | undefined, string][] = [
    [globalThis, 'online'],
    [connection, 'change'],
  ];
  for (const [target, name] of sources) target?.addEventListener?.(name, changed);
  return () => {
    for (const [target, name] of sources) target?.removeEventListener?.(name, changed);
  };
}
