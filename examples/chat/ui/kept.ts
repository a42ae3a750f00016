/** What outlives the page: JSON in the browser's own storage. Whoever uses this device can read it, and spoil it. */

const PREFIX = 'puente-chat ';

/** Of no shape in particular: whoever reads takes what fits. Nothing for what is not there, or was spoilt. */
export function read(name: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}

/** The objects in a list that was read; none in what is no list. */
export function objectsIn(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : [];
}

/** Whether something is there, spoilt or not. */
export function isThere(name: string): boolean {
  try {
    return localStorage.getItem(PREFIX + name) !== null;
  } catch {
    return false;
  }
}

/** Where the browser has no room for it, or lets a page keep nothing, it lasts as long as the page. */
export function write(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {}
}
