/** A carrier, whose WebSocket may say anything, and whose cipher answers at once or late. */
import { deepEqual, equal } from 'node:assert/strict';
import fc from 'fast-check';
import { type Bytes, bytesOf } from '../../protocol/bytes.ts';
import { Carrier, costOf } from '../../protocol/carrier/carrier.ts';
import type { Transport } from '../../protocol/carrier/noise.ts';
import type { Code } from '../../protocol/errors.ts';
import { RECORD_MAX, TAG, UNOPENED_MAX, UNOPENED_RECORDS_MAX } from '../../protocol/limits.ts';
import { decodeFrames, encodeFrames, type Frame } from '../../protocol/session/frames.ts';
import { type Mutation, mutate, rareMutations } from './bytes.ts';
import { plaintexts } from './frames.ts';
import { newTransport, openAt, sealAt } from './sealing.ts';
import { decodedOrRefused, type Target } from './target.ts';

type Step =
  | { do: 'record'; plaintext: Bytes; changes: Mutation[] }
  | { do: 'text'; message: unknown }
  /** So many messages of this length, which no key has sealed. */
  | { do: 'zeros'; length: number; times: number }
  | { do: 'replay' | 'lose' | 'close' }
  /** A cipher that is late has one of its answers now. */
  | { do: 'answer'; which: number }
  | { do: 'send'; id: number };

const text = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom(undefined, null, 0, new Blob(['x'])));
const length = fc.oneof(fc.nat(60), fc.constantFrom(0, TAG - 1, TAG, RECORD_MAX, RECORD_MAX + 1));
/** What may wait to be opened, and a little more. */
const flood = fc.constantFrom(
  { length: TAG + 9, times: UNOPENED_RECORDS_MAX + 1 },
  { length: RECORD_MAX, times: Math.floor(UNOPENED_MAX / RECORD_MAX) + 1 },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 200,
    arbitrary: fc.record({
      do: fc.constant('record'),
      plaintext: plaintexts,
      changes: rareMutations,
    }),
  },
  { weight: 100, arbitrary: fc.record({ do: fc.constant('answer'), which: fc.nat(20) }) },
  { weight: 80, arbitrary: fc.record({ do: fc.constant('send'), id: fc.nat(0xffffffff) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('text'), message: text }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('zeros'), length, times: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: flood.map((zeros): Step => ({ do: 'zeros', ...zeros })) },
  { weight: 9, arbitrary: fc.constantFrom<Step>({ do: 'replay' }, { do: 'lose' }, { do: 'close' }) },
);

/** Seals and opens at once, and gives each result when it is told to. */
class LateTransport implements Transport {
  readonly #transport = newTransport();
  readonly secret = this.#transport.secret;
  readonly #waiting: (() => void)[] = [];

  seal(plaintext: Bytes): Promise<Bytes> {
    return this.#later(() => sealAt(this.#transport, plaintext));
  }

  open(record: Bytes): Promise<Bytes> {
    return this.#later(() => openAt(this.#transport, record));
  }

  #later(make: () => Bytes): Promise<Bytes> {
    return new Promise((resolve, reject) => {
      try {
        const bytes = make();
        this.#waiting.push(() => resolve(bytes));
      } catch (error) {
        this.#waiting.push(() => reject(error));
      }
    });
  }

  answer(which: number): void {
    this.#waiting.splice(which % this.#waiting.length, 1)[0]?.();
  }

  answerAll(): void {
    for (const answer of this.#waiting.splice(0)) answer();
  }
}

/** A carrier and its account: what came and went, what it must say of it, and what it has said. */
class Trial {
  readonly #late: LateTransport | undefined;
  readonly #peer = newTransport();
  readonly #carrier: Carrier;
  readonly #said: (Frame[] | Code | 'lost')[] = [];
  readonly #wire: (Frame[] | 'closed')[] = [];
  /** What each message is, in their order. */
  readonly #due: (Frame[] | Code)[] = [];
  /** Faults that need not wait for their turn. */
  readonly #atOnce: Code[] = [];
  readonly #sent: (Frame[] | 'closed')[] = [];
  /** Lengths of the messages that came and are not delivered. */
  readonly #unopened: number[] = [];
  #unopenedBytes = 0;
  #last: Bytes = new Uint8Array(TAG);
  #isLost = false;
  #closedAfter: number | undefined;

  constructor(isLate: boolean) {
    this.#late = isLate ? new LateTransport() : undefined;
    const wire = {
      send: (record: Bytes) => void this.#wire.push(decodeFrames(openAt(this.#peer, record))),
      close: () => void this.#wire.push('closed'),
    };
    const events = {
      frames: (frames: Frame[]) => {
        this.#unopenedBytes -= this.#unopened.shift() ?? 0;
        this.#said.push(frames);
      },
      failed: (code: Code) => void this.#said.push(code),
      lost: () => void this.#said.push('lost'),
    };
    this.#carrier = new Carrier(this.#late ?? newTransport(), wire, events, Infinity);
  }

  take(step: Step): void {
    switch (step.do) {
      case 'record': {
        const sealed = sealAt(this.#peer, step.plaintext);
        this.#last = mutate(sealed, step.changes);
        const isWhole = Buffer.compare(sealed, this.#last) === 0;
        const frames = isWhole ? decodedOrRefused(() => decodeFrames(step.plaintext), 'bad-frame') : undefined;
        this.#receive(this.#last.slice(), frames ?? (isWhole ? 'bad-frame' : 'bad-record'));
        break;
      }
      case 'text':
        this.#receive(step.message, 'bad-record');
        break;
      case 'zeros':
        for (let count = 0; count < step.times; count += 1) this.#receive(new ArrayBuffer(step.length), 'bad-record');
        break;
      case 'replay':
        this.#receive(this.#last.slice(), 'bad-record');
        break;
      case 'lose':
        this.#isLost = true;
        this.#carrier.lost();
        break;
      case 'close':
        this.#close();
        break;
      case 'send':
        this.#send([{ type: 'ping', id: step.id }]);
        break;
      case 'answer':
        this.#late?.answer(step.which);
        break;
    }
  }

  #receive(message: unknown, due: Frame[] | Code): void {
    // A WebSocket says nothing after its end.
    if (this.#isLost || this.#isDeaf) return;
    const length = bytesOf(message)?.length ?? 0;
    const isRecord = length >= TAG && length <= RECORD_MAX;
    if (isRecord) {
      this.#due.push(due);
      this.#unopened.push(length);
      this.#unopenedBytes += length;
    } else this.#atOnce.push('bad-record');
    const isFlood = this.#unopenedBytes > UNOPENED_MAX || this.#unopened.length > UNOPENED_RECORDS_MAX;
    if (isFlood) this.#atOnce.push('flood');
    this.#carrier.receive(message);
    if (isFlood || !isRecord) deepEqual(this.#said.at(-1), this.#atOnce.at(-1));
  }

  get #isDeaf(): boolean {
    return this.#closedAfter !== undefined || typeof this.#said.at(-1) === 'string';
  }

  #send(frames: Frame[]): void {
    if (this.#closedAfter !== undefined) return;
    this.#sent.push(frames);
    const before = this.#carrier.sent;
    this.#carrier.send(frames);
    equal(this.#carrier.sent - before, costOf(encodeFrames(frames).length + TAG));
  }

  #close(): void {
    if (this.#closedAfter !== undefined) return;
    this.#closedAfter = this.#said.length;
    this.#sent.push('closed');
    this.#carrier.close();
  }

  answerAll(): void {
    this.#late?.answerAll();
  }

  /** Once nothing waits any more. */
  check(): void {
    deepEqual(this.#wire, this.#sent);
    const last = this.#said.at(-1);
    const end = typeof last === 'string' ? last : undefined;
    const delivered = end ? this.#said.slice(0, -1) : this.#said;
    const firstFault = this.#due.findIndex((due) => typeof due === 'string');
    const good = firstFault < 0 ? this.#due : this.#due.slice(0, firstFault);
    deepEqual(delivered, good.slice(0, delivered.length));
    if (this.#closedAfter !== undefined) return equal(this.#said.length, this.#closedAfter);
    if (this.#atOnce.length > 0) return equal(end, this.#atOnce[0]);
    equal(delivered.length, good.length);
    equal(end, this.#due[firstFault] ?? (this.#isLost ? 'lost' : undefined));
  }
}

export const carrierTarget: Target<{ isLate: boolean; steps: Step[] }> = {
  name: 'carrier',
  weight: 6,
  cases: fc.record({ isLate: fc.boolean(), steps: fc.array(step, { maxLength: 20, size: 'max' }) }),
  run({ isLate, steps }) {
    return isLate ? runLate(steps) : runAtOnce(steps);
  },
};

function runAtOnce(steps: Step[]): void {
  const trial = new Trial(false);
  for (const one of steps) trial.take(one);
  trial.check();
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function runLate(steps: Step[]): Promise<void> {
  const trial = new Trial(true);
  for (const one of steps) {
    trial.take(one);
    if (one.do === 'answer') await turn();
  }
  trial.answerAll();
  await turn();
  trial.check();
}
