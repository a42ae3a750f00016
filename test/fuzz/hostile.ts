/** What happens to a session under attack: what its peer says, and what its app, its carriers and time do meanwhile. */
import fc from 'fast-check';
import type { Bytes } from '../../protocol/bytes.ts';
import { ACK_DELAY, KEEPALIVE, LINGER, PAD_MAX, UNOPENED_RECORDS_MAX } from '../../protocol/limits.ts';
import { anyBytes } from './bytes.ts';

// --- frames -------------------------------------------------------------------------------------------------------

/** An offset, from where the session stands when it is said. */
export type Place = [
  from: 'start' | 'received' | 'limit' | 'acked' | 'sent' | 'written' | 'peerLimit' | 'end',
  by: number,
];

/** @property isCredited there is no more of it than the limit allows */
export type SaidData = { type: 'data'; at: Place; length: number; isCredited: boolean };

/** A frame, before it is known where the session stands. */
export type Said =
  | SaidData
  | { type: 'ack'; received: Place; limit: Place }
  | { type: 'fin'; at: Place }
  | { type: 'reset'; code: number }
  | { type: 'ping'; id: number }
  | { type: 'pong'; id: number | 'asked' }
  | { type: 'pad'; length: number }
  | { type: 'stop' };

const near = fc.integer({ min: -2, max: 2 });
const far = fc.integer({ min: -70_000, max: 70_000 });
const anywhere: fc.Arbitrary<Place> = fc.tuple(
  fc.constantFrom('start', 'received', 'limit', 'acked', 'sent', 'written', 'peerLimit', 'end'),
  fc.oneof(near, far),
);
const place = (from: Place[0], most = 0): fc.Arbitrary<Place> => fc.tuple(fc.constant(from), fc.nat(most));

/** Four of the longest fit a record. */
const length = fc.oneof(fc.nat(3), fc.nat(1400), fc.nat(16_000));
const id = fc.nat(0xffffffff);
const ackOf = {
  type: fc.constant('ack'),
  received: fc.oneof(place('acked'), place('sent')),
  limit: fc.oneof(place('peerLimit', 70_000), place('acked', 70_000), place('end')),
} as const;

/** What a peer that keeps the rules says; it goes far in. */
const fair: fc.Arbitrary<Said> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      type: fc.constant('data'),
      at: fc.oneof(place('received'), fc.tuple(fc.constant('received'), fc.integer({ min: -3000, max: 0 }))),
      length,
      isCredited: fc.constant(true),
    }),
  },
  { weight: 10, arbitrary: fc.record(ackOf) },
  { weight: 4, arbitrary: fc.constant({ type: 'pong', id: 'asked' }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('ping'), id }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('pad'), length: fc.nat(PAD_MAX) }) },
  fc.record({ type: fc.constant('fin'), at: place('received') }),
  fc.constant({ type: 'stop' }),
);

const foul: fc.Arbitrary<Said> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('data'), at: anywhere, length, isCredited: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('ack'), received: anywhere, limit: anywhere }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('fin'), at: anywhere }) },
  fc.record({ type: fc.constant('reset'), code: fc.nat(255) }),
  fc.record({ type: fc.constant('pong'), id }),
);

const frame = fc.oneof({ weight: 60, arbitrary: fair }, foul);
const frames = fc.array(frame, { minLength: 1, maxLength: 4 });

/** Of which a record holds thousands. */
const tiny: fc.Arbitrary<Said> = fc.oneof(
  fc.record({
    type: fc.constant('data'),
    at: place('received'),
    length: fc.nat(2),
    isCredited: fc.constant(true),
  }),
  fc.record(ackOf),
  fc.record({ type: fc.constant('fin'), at: place('received') }),
  fc.record({ type: fc.constantFrom('ping', 'pong'), id }),
  fc.record({ type: fc.constant('pad'), length: fc.nat(8) }),
  fc.constant({ type: 'stop' }),
);

// --- steps --------------------------------------------------------------------------------------------------------

export interface Attach {
  do: 'attach';
  received: Place;
  limit: Place;
  /** Where the path carries only so much. */
  allowance: number | undefined;
  /** What this end has told is older than what it knows. */
  isStale: boolean;
  first: Said[];
}

export type Step =
  | Attach
  | { do: 'hear'; frames: Said[] }
  | { do: 'flood'; frame: Said; times: number; isOneRecord: boolean }
  /** Rounds in which both streams move on by as much as they may. */
  | { do: 'transfer'; rounds: number }
  | { do: 'plaintext'; plaintext: Bytes }
  | { do: 'write'; length: number; isOwned: boolean }
  | { do: 'early'; length: number }
  | { do: 'wait'; ms: number }
  /** Some of what it has taken, or all. */
  | { do: 'consume'; part: number }
  | { do: 'text' | 'take' | 'finish' | 'close' | 'flush' | 'ping' | 'lose' | 'reset' | 'abandon' };

const attach: fc.Arbitrary<Attach> = fc.record({
  do: fc.constant('attach'),
  received: fc.oneof({ weight: 9, arbitrary: ackOf.received }, anywhere),
  limit: fc.oneof({ weight: 9, arbitrary: ackOf.limit }, anywhere),
  allowance: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.nat(9000)),
  isStale: fc.boolean(),
  first: fc.array(frame, { maxLength: 2 }),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 100, arbitrary: fc.record({ do: fc.constant('hear'), frames }) },
  {
    weight: 30,
    arbitrary: fc.record({ do: fc.constant('write'), length: fc.oneof(length, fc.nat(65_000)), isOwned: fc.boolean() }),
  },
  {
    weight: 25,
    arbitrary: fc.constantFrom<Step>({ do: 'take' }, { do: 'consume', part: 1 }, { do: 'consume', part: 0.5 }),
  },
  {
    weight: 15,
    arbitrary: fc.record({
      do: fc.constant('wait'),
      ms: fc.constantFrom(1, ACK_DELAY, 3000, LINGER, KEEPALIVE, 130_000),
    }),
  },
  { weight: 10, arbitrary: attach },
  { weight: 10, arbitrary: fc.constantFrom<Step>({ do: 'lose' }, { do: 'flush' }, { do: 'ping' }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('transfer'), rounds: fc.nat(30) }) },
  { weight: 4, arbitrary: fc.constantFrom<Step>({ do: 'finish' }, { do: 'close' }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('flood'),
      frame: tiny,
      times: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 3000 })),
      isOneRecord: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('plaintext'), plaintext: anyBytes(30) }) },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ do: 'text' }, { do: 'reset' }, { do: 'abandon' }) },
);

/** As many PINGs as may be asked, and more. */
const unread = fc.constant<Step>({
  do: 'flood',
  frame: { type: 'ping', id: 1 },
  times: UNOPENED_RECORDS_MAX + 2,
  isOneRecord: false,
});
const early = fc.record({ do: fc.constant('early'), length: fc.nat(2400) });

/** Something before it has a carrier, the first carrier, and everything after. */
export const histories: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.array(fc.oneof(early, step), { maxLength: 2 }),
    attach,
    fc.array(fc.oneof({ weight: 3000, arbitrary: step }, unread), { maxLength: 40, size: 'max' }),
  )
  .map(([before, first, after]) => [...before, first, ...after]);
