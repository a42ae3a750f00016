/** What outlives the page: JSON in the browser's own storage. Whoever uses this device can read it. */

const PREFIX = 'puente-chat ';

/** Nothing for what is not there, or was spoilt. */
export function read(name: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}

/** Where the browser has no room for it, or lets a page keep nothing, it lasts as long as the page. */
export function write(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {}
}
