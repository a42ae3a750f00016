import type { Bytes } from '../protocol/bytes.ts';

export const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));
