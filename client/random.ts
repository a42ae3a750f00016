import type { Bytes } from '../protocol/bytes.ts';

/** Random bytes that are fit for keys. Every runtime with WebSockets has this function, even on insecure origins. */
export const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));
