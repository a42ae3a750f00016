import { expect } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { type Bytes, Malformed } from '../../protocol/bytes.ts';
import { type Cipher, native } from '../../protocol/carrier/cipher.ts';
import { noble } from '../../protocol/carrier/noble.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';

export const CIPHERS: [name: string, cipher: Cipher][] = [
  ['native', native],
  ['noble', noble],
  ['node', nodeCipher],
];

export function fromHex(text: string): Bytes {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

/** fast-check's bytes may lie on any kind of buffer: these own theirs. */
export function own(bytes: Uint8Array): Bytes {
  return Uint8Array.from(bytes);
}

export function flipped(bytes: Bytes, bit: number): Bytes {
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

/** The error that `run` throws or rejects with; fails when it does not. */
export async function failure(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return expect.fail('it did not fail');
}

export function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return expect.fail('it did not throw');
}

export function expectCode(error: unknown, code: Code): void {
  expect(error).toBeInstanceOf(PuenteError);
  expect((error as PuenteError).code).toBe(code);
}

/** What `decode` makes of the bytes; `undefined` when it refuses them as it may. Any other error is thrown on. */
export function decodedOrRefused<T>(decode: () => T, refusal: Code | typeof Malformed): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (refusal === Malformed ? error instanceof Malformed : error instanceof PuenteError && error.code === refusal)
      return undefined;
    throw error;
  }
}
