/** What is fuzzed, and what is needed of it to do so. */
import type fc from 'fast-check';
import { Malformed } from '../../protocol/bytes.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';

export interface Target<T = unknown> {
  name: string;
  /** Its part of all cases, compared with the other targets'. */
  weight: number;
  cases: fc.Arbitrary<T>;
  /** Throws or rejects when this case shows a fault. */
  run(one: T): void | Promise<void>;
}

/** What `decode` makes of its input; `undefined` when it refuses that as its docstring says. Any other error is a fault. */
export function decodedOrRefused<T>(decode: () => T, refusal: Code | typeof Malformed): T | undefined {
  try {
    return decode();
  } catch (error) {
    const isFair = refusal === Malformed ? error instanceof Malformed : codeOf(error) === refusal;
    if (isFair) return undefined;
    throw error;
  }
}

export function codeOf(error: unknown): Code | undefined {
  return error instanceof PuenteError ? error.code : undefined;
}
