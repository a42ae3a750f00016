import type { Bytes } from 'puente/bytes';

export const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));
