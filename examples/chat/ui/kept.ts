/**
 * Data that outlives the page: JSON in the browser's own storage. A person who uses this device can read the data, and
 * spoil it.
 */

const PREFIX = 'puente-chat ';

/** Reads a value of any shape: the caller takes the parts that fit. Nothing when the value is missing or spoilt. */
export function read(name: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}

/** The objects in a list that was read; none when the value is no list. */
export function objectsIn(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : [];
}

/** Whether there is a value, spoilt or not. */
export function isThere(name: string): boolean {
  try {
    return localStorage.getItem(PREFIX + name) !== null;
  } catch {
    return false;
  }
}

/** Keeps a value. Where the browser has no room, or lets a page keep nothing, the value lasts as long as the page. */
export function write(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {}
}
