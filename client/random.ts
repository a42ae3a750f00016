import type { Bytes } from '../protocol/bytes.ts';

/** Bytes fit for keys. Every runtime that has WebSockets has this, insecure origins included. */
export const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));
