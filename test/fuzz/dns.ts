/** What a resolver over HTTPS may answer: anything that somebody with its certificate cares to. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { decodeAnswer, encodeQuery, TYPES, type Type } from '../../client/node/dialer/dns-message.ts';
import { type Bytes, concat, Malformed } from '../../protocol/bytes.ts';
import { anyBytes, mutated } from './bytes.ts';
import { decodedOrRefused, type Target } from './target.ts';

const NAME = 'relay.example';
const HEADER = 12;

interface Answer {
  type: Type;
  message: Bytes;
  /** What is in it, where it is a good one. */
  addresses?: Bytes[];
}

const good: fc.Arbitrary<Answer> = fc.constantFrom<Type>('A', 'AAAA').chain((type) => {
  const length = type === 'A' ? 4 : 16;
  const data = fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Uint8Array.from(bytes));
  return fc.array(data, { maxLength: 5 }).map((addresses) => ({ type, addresses, message: answer(type, addresses) }));
});

function answer(type: Type, addresses: Bytes[]): Bytes {
  const header = Uint8Array.of(0, 0, 0x81, 0x80, 0, 1, 0, addresses.length, 0, 0, 0, 0);
  const records = addresses.map((data) =>
    concat(Uint8Array.of(0xc0, HEADER, 0, TYPES[type], 0, 1, 0, 0, 0, 60, 0, data.length), data),
  );
  return concat(header, encodeQuery(NAME, type).slice(HEADER), ...records);
}

/** Addresses of any length. */
const unfit = fc
  .constantFrom<Type>('A', 'AAAA')
  .chain((type) => fc.array(anyBytes(20), { minLength: 1, maxLength: 3 }).map((addresses) => answer(type, addresses)));

const hostile: fc.Arbitrary<Answer> = fc.record({
  type: fc.constantFrom<Type>('A', 'AAAA'),
  message: fc.oneof({ weight: 3, arbitrary: mutated(good.map(({ message }) => message)) }, unfit, anyBytes(80)),
});

export const dnsTarget: Target<Answer> = {
  name: 'answers of a resolver',
  weight: 10,
  cases: fc.oneof(good, { weight: 3, arbitrary: hostile }),
  run({ type, message, addresses }) {
    const decoded = decodedOrRefused(() => decodeAnswer(message, NAME, type), Malformed);
    if (addresses) {
      equal(decoded?.length, addresses.length);
      if (type === 'A')
        deepEqual(
          decoded,
          addresses.map((bytes) => bytes.join('.')),
        );
    }
    for (const address of decoded ?? []) ok(type === 'A' ? isIPv4(address) : isIPv6(address));
  },
};
