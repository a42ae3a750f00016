/** Canaries: values that must not turn up where they do not belong, in whatever form they are written. */
import { Buffer } from 'node:buffer';

export class Canaries {
  readonly #planted = new Map<string, Buffer[]>();

  plant(name: string, value: string | Uint8Array): void {
    const bytes = Buffer.from(value as Uint8Array);
    if (bytes.length < 6) throw new Error(`${name} is so short that it turns up by chance`);
    this.#planted.set(`${name} ${this.#planted.size}`, formsOf(bytes));
  }

  /** The names of those that turn up. */
  foundIn(haystack: string | Uint8Array): string[] {
    const bytes = Buffer.from(haystack as Uint8Array);
    const found = [...this.#planted].filter(([, forms]) => forms.some((form) => bytes.includes(form)));
    return [...new Set(found.map(([name]) => name.replace(/ \d+$/, '')))];
  }
}

export function formsOf(bytes: Buffer): Buffer[] {
  const hex = bytes.toString('hex');
  const base64url = [0, 1, 2].map((before) => base64urlAfter(before, bytes));
  const base64 = base64url.map((text) => text.replaceAll('-', '+').replaceAll('_', '/'));
  const texts = [hex, hex.toUpperCase(), bytes.join(','), bytes.join(', '), ...base64url, ...base64];
  return [bytes, ...texts.map((text) => Buffer.from(text))];
}

/** As they look inside of something longer: what no other byte has a part in, where so many come before them. */
function base64urlAfter(before: number, bytes: Buffer): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64url');
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
}
