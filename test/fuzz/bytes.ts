/** Bytes for cases: where only their number counts, where each has its place in a stream, and what becomes of a message. */
import fc from 'fast-check';
import { type Bytes, concat, type RandomBytes } from '../../protocol/bytes.ts';
import { RECORD_MAX } from '../../protocol/limits.ts';

/** A prime, so that no block or window is a multiple of it. */
const PERIOD = 251;
const STREAM = Uint8Array.from({ length: PERIOD + RECORD_MAX }, (_, at) => at % PERIOD);

/** A view of a stream in which each byte is known by its offset. */
export function streamAt(offset: number, length: number): Bytes {
  const at = offset % PERIOD;
  return STREAM.subarray(at, at + length);
}

/** Bytes of any length up to `max`; their values are of no account. */
export const someBytes = (max: number, min = 0): fc.Arbitrary<Bytes> =>
  fc.integer({ min, max }).map((length) => streamAt(1, length).slice());

/** Short, of any values. */
export const anyBytes = (maxLength: number): fc.Arbitrary<Bytes> =>
  fc.uint8Array({ maxLength, size: 'max' }).map((bytes) => Uint8Array.from(bytes));

/** What an end draws its padding from. */
export const drawn: fc.Arbitrary<RandomBytes> = fc
  .nat(0xff)
  .map((value) => (length: number) => new Uint8Array(length).fill(value));

// --- mutations ----------------------------------------------------------------------------------------------------

const MUTATIONS = {
  flip: (bytes: Bytes, at: number, value: number) => put(bytes, at, (bytes[at] ?? 0) ^ (1 << (value & 7))),
  put,
  max: (bytes: Bytes, at: number) => put(bytes, at, 0xff),
  zero: (bytes: Bytes, at: number) => put(bytes, at, 0),
  cut: (bytes: Bytes, at: number) => bytes.slice(0, at),
  insert: (bytes: Bytes, at: number, value: number) => splice(bytes, at, at, Uint8Array.of(value)),
  remove: (bytes: Bytes, at: number, length: number) => splice(bytes, at, at + length, new Uint8Array(0)),
  repeat: (bytes: Bytes, at: number, length: number) => splice(bytes, at, at, bytes.subarray(at, at + length)),
} as const;

function put(bytes: Bytes, at: number, value: number): Bytes {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

function splice(bytes: Bytes, from: number, to: number, between: Bytes): Bytes {
  return concat(bytes.subarray(0, from), between, bytes.subarray(to));
}

export type Mutation = [kind: keyof typeof MUTATIONS, at: number, value: number];

const KINDS = Object.keys(MUTATIONS) as [keyof typeof MUTATIONS];

/** The fields are at the beginning of a message, the tag at its end. */
const place = fc.oneof({ weight: 3, arbitrary: fc.nat(80) }, fc.nat(5000));
const mutation: fc.Arbitrary<Mutation> = fc.tuple(fc.constantFrom(...KINDS), place, fc.nat(255));

/** None, too: then what is mutated stays whole. */
export const mutations = fc.array(mutation, { maxLength: 3 });

export const rareMutations = fc.oneof({ weight: 9, arbitrary: fc.constant<Mutation[]>([]) }, mutations);

export function mutate(bytes: Bytes, changes: Mutation[]): Bytes {
  let changed = bytes;
  for (const [kind, at, value] of changes)
    if (changed.length > 0) changed = MUTATIONS[kind](changed, at % changed.length, value);
  return changed;
}

export const mutated = (messages: fc.Arbitrary<Bytes>): fc.Arbitrary<Bytes> =>
  fc.tuple(messages, mutations).map(([message, changes]) => mutate(message, changes));

/** The same for text, whose characters are taken for bytes. */
export const mutatedText = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  mutated(texts.map((text) => Uint8Array.from(Buffer.from(text, 'latin1')))).map((bytes) =>
    Buffer.from(bytes).toString('latin1'),
  );
