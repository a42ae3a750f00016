/** The frames of a record: bytes that any peer may seal. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import type { Bytes } from '../../protocol/bytes.ts';
import { PAD_MAX } from '../../protocol/limits.ts';
import { decodeFrames, encodeFrames, type Frame } from '../../protocol/session/frames.ts';
import { anyBytes, mutated, someBytes } from './bytes.ts';
import { decodedOrRefused, type Target } from './target.ts';

const offset = fc.oneof(fc.nat(300), fc.maxSafeNat());
const id = fc.nat(0xffffffff);

const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('data'), offset, bytes: fc.oneof(someBytes(60), someBytes(10_000)) }),
  fc.record({ type: fc.constant('ack'), received: offset, limit: offset }),
  fc.record({ type: fc.constant('fin'), offset }),
  fc.record({ type: fc.constant('reset'), code: fc.nat(255) }),
  fc.record({ type: fc.constantFrom('ping', 'pong'), id }),
  fc.record({ type: fc.constant('pad'), length: fc.nat(PAD_MAX) }),
  fc.record({ type: fc.constant('stop') }),
);

const frames = fc.array(frame, { minLength: 1, maxLength: 6 });
const encoded = frames.map((some) => encodeFrames(some).slice());

/** Plaintexts that are frames, nearly so, or anything. */
export const plaintexts: fc.Arbitrary<Bytes> = fc.oneof({ weight: 3, arbitrary: mutated(encoded) }, anyBytes(60));

export const framesTarget: Target<Frame[] | Bytes> = {
  name: 'frames',
  weight: 22,
  cases: fc.oneof(frames, { weight: 3, arbitrary: plaintexts }),
  run(one) {
    // fast-check's records have no prototype.
    if (Array.isArray(one))
      return deepEqual(
        decodeFrames(encodeFrames(one)),
        one.map((frame) => ({ ...frame })),
      );
    const decoded = decodedOrRefused(() => decodeFrames(one), 'bad-frame');
    if (!decoded) return;
    ok(decoded.length > 0);
    for (const some of decoded)
      for (const value of Object.values(some)) if (typeof value === 'number') ok(Number.isSafeInteger(value));
    const again = encodeFrames(decoded);
    // What is in a PAD is ignored, so that it may differ.
    equal(again.length, one.length);
    deepEqual(decodeFrames(again), decoded);
  },
};
