/** A carrier over ciphers that answer at once, in order, or in any order. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bytes, concat, toUtf8 } from '../../protocol/bytes.ts';
import { Carrier, type CarrierEvents } from '../../protocol/carrier/carrier.ts';
import type { Awaitable } from '../../protocol/carrier/cipher.ts';
import { initiate, PROLOGUE, Responder, relayKeyOf, type Transport } from '../../protocol/carrier/noise.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { RECORD_MAX, TAG, UNOPENED_MAX, UNOPENED_RECORDS_MAX } from '../../protocol/limits.ts';
import { encodeFrames, type Frame } from '../../protocol/session/frames.ts';
import { CIPHERS, flipped } from './helpers.ts';

const rejections: unknown[] = [];
const onRejection = (reason: unknown) => rejections.push(reason);
beforeEach(() => {
  rejections.length = 0;
  process.on('unhandledRejection', onRejection);
});
afterEach(async () => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  process.off('unhandledRejection', onRejection);
  expect(rejections).toEqual([]);
});

const turns = async (count = 20) => {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
};
const ping = (id: number): Frame => ({ type: 'ping', id });

/** Everything that happened at one end, in its order. */
type Event = { sent: Bytes } | { frames: Frame[] } | { failed: Code } | 'closed' | 'lost';

class EndOf {
  readonly events: Event[] = [];
  readonly carrier: Carrier;

  constructor(transport: Transport) {
    const wire = {
      // Its memory may be the next record's.
      send: (sent: Bytes) => void this.events.push({ sent: sent.slice() }),
      close: () => void this.events.push('closed'),
    };
    const events: CarrierEvents = {
      frames: (frames) => void this.events.push({ frames }),
      failed: (failed) => void this.events.push({ failed }),
      lost: () => void this.events.push('lost'),
    };
    this.carrier = new Carrier(transport, wire, events, Number.POSITIVE_INFINITY);
  }

  #of<K extends 'sent' | 'frames' | 'failed'>(kind: K) {
    return this.events.filter(
      (event): event is Extract<Event, Record<K, unknown>> => typeof event === 'object' && kind in event,
    );
  }

  get ids(): number[] {
    const frames = this.#of('frames').flatMap((event) => event.frames);
    return frames.flatMap((frame) => (frame.type === 'ping' ? [frame.id] : []));
  }

  get failures(): Code[] {
    return this.#of('failed').map(({ failed }) => failed);
  }

  get sent(): Bytes[] {
    return this.#of('sent').map(({ sent }) => sent);
  }
}

function buffer(bytes: Bytes): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

// --- a transport whose answers are in the test's hands ------------------------------------------------------------

/** "Seals" by putting a tag of zeros behind; each answer waits until the test settles it. */
class SlowTransport implements Transport {
  readonly secret = new Uint8Array(32);
  readonly waiting: (() => void)[] = [];

  #later(make: () => Bytes): Promise<Bytes> {
    return new Promise((resolve, reject) => {
      this.waiting.push(() => {
        try {
          resolve(make());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  seal(plaintext: Bytes): Promise<Bytes> {
    // Its memory is the next record's as soon as this returns.
    const sealed = concat(plaintext, new Uint8Array(TAG));
    return this.#later(() => sealed);
  }

  open(record: Bytes): Promise<Bytes> {
    return this.#later(() => {
      if (record.at(-1) !== 0) throw new Error('tag');
      return record.slice(0, -TAG);
    });
  }

  settle(index: number): void {
    this.waiting.splice(index, 1)[0]?.();
  }
}

/** The same, at once. */
const INSTANT: Transport = {
  secret: new Uint8Array(32),
  seal: (plaintext) => concat(plaintext, new Uint8Array(TAG)),
  open(record) {
    if (record.at(-1) !== 0) throw new Error('tag');
    return record.slice(0, -TAG);
  },
};

const recordOf = (frames: Frame[]) => buffer(concat(encodeFrames(frames), new Uint8Array(TAG)));
const broken = () => buffer(concat(encodeFrames([ping(0)]), new Uint8Array(TAG).fill(1)));

describe('order', () => {
  const order = fc.array(fc.nat(1000), { minLength: 1, maxLength: 25 });

  test('records leave as they were sent, however long each takes to seal', async () => {
    await fc.assert(
      fc.asyncProperty(order, async (picks) => {
        const transport = new SlowTransport();
        const end = new EndOf(transport);
        for (const id of picks.keys()) end.carrier.send([ping(id)]);
        end.carrier.close();
        for (const pick of picks) {
          expect(end.events).not.toContain('closed');
          transport.settle(pick % transport.waiting.length);
          await turns();
        }
        await turns(10 * picks.length);
        const expected = [...picks.keys()].map((id) => new Uint8Array(recordOf([ping(id)])));
        expect(end.sent).toEqual(expected);
        expect(end.events.at(-1)).toBe('closed');
      }),
    );
  });

  test('records are delivered as they came, however long each takes to open', async () => {
    await fc.assert(
      fc.asyncProperty(order, async (picks) => {
        const transport = new SlowTransport();
        const end = new EndOf(transport);
        for (const id of picks.keys()) end.carrier.receive(recordOf([ping(id)]));
        for (const pick of picks) {
          transport.settle(pick % transport.waiting.length);
          await turns();
        }
        await turns(10 * picks.length);
        expect(end.ids).toEqual([...picks.keys()]);
        expect(end.failures).toEqual([]);
      }),
    );
  });

  test('a cipher that answers at once is not waited for', () => {
    const end = new EndOf(INSTANT);
    end.carrier.send([ping(1)]);
    expect(end.sent).toEqual([new Uint8Array(recordOf([ping(1)]))]);
    end.carrier.receive(recordOf([ping(2), ping(3)]));
    expect(end.ids).toEqual([2, 3]);
    end.carrier.close();
    expect(end.events.at(-1)).toBe('closed');
  });

  test('one that answers now at once, now later, still keeps order', async () => {
    const slow = new SlowTransport();
    let count = 0;
    const either =
      (quick: Transport['seal'], later: Transport['seal']) =>
      (bytes: Bytes): Awaitable<Bytes> =>
        count++ % 2 === 0 ? later(bytes) : quick(bytes);
    const end = new EndOf({
      secret: INSTANT.secret,
      seal: either(INSTANT.seal, (bytes) => slow.seal(bytes)),
      open: either(INSTANT.open, (bytes) => slow.open(bytes)),
    });
    for (let id = 0; id < 6; id++) end.carrier.receive(recordOf([ping(id)]));
    for (let id = 0; id < 6; id++) end.carrier.send([ping(id)]);
    expect(end.events).toEqual([]);
    while (slow.waiting.length > 0) slow.settle(slow.waiting.length - 1);
    await turns(100);
    expect(end.ids).toEqual([0, 1, 2, 3, 4, 5]);
    expect(end.sent).toEqual([0, 1, 2, 3, 4, 5].map((id) => new Uint8Array(recordOf([ping(id)]))));
    // Nothing is under way any more, so the next is at once again.
    end.carrier.receive(recordOf([ping(6)]));
    if (count % 2 === 1) slow.settle(0);
    await turns();
    expect(end.ids).toHaveLength(7);
  });
});

describe('close', () => {
  test('after it, nothing is delivered: neither what waits to be opened nor what comes', async () => {
    const transport = new SlowTransport();
    const end = new EndOf(transport);
    end.carrier.receive(recordOf([ping(1)]));
    end.carrier.receive(broken());
    end.carrier.close();
    end.carrier.receive(recordOf([ping(2)]));
    end.carrier.receive('text');
    while (transport.waiting.length > 0) transport.settle(0);
    await turns(100);
    expect(end.events).toEqual(['closed']);
  });

  test('a last record is sealed first', async () => {
    const transport = new SlowTransport();
    const end = new EndOf(transport);
    end.carrier.send([{ type: 'reset', code: 17 }]);
    end.carrier.close();
    await turns();
    expect(end.events).toEqual([]);
    transport.settle(0);
    await turns();
    expect(end.events).toEqual([{ sent: new Uint8Array(recordOf([{ type: 'reset', code: 17 }])) }, 'closed']);
  });
});

describe('lost', () => {
  test('comes after the records that came before it, however long they take to open', async () => {
    const transport = new SlowTransport();
    const end = new EndOf(transport);
    end.carrier.receive(recordOf([ping(1)]));
    end.carrier.receive(recordOf([ping(2)]));
    end.carrier.lost();
    await turns();
    transport.settle(1);
    await turns();
    expect(end.events).toEqual([]);
    transport.settle(0);
    await turns(50);
    expect(end.events).toEqual([{ frames: [ping(1)] }, { frames: [ping(2)] }, 'lost']);
  });

  test('at once when nothing waits, and once', () => {
    const end = new EndOf(INSTANT);
    end.carrier.receive(recordOf([ping(1)]));
    end.carrier.lost();
    end.carrier.lost();
    end.carrier.receive(recordOf([ping(2)]));
    expect(end.events).toEqual([{ frames: [ping(1)] }, 'lost']);
  });

  test('is no news to an end that has closed, or that a bad record has ended', async () => {
    const closed = new EndOf(INSTANT);
    closed.carrier.close();
    closed.carrier.lost();
    expect(closed.events).toEqual(['closed']);
    const transport = new SlowTransport();
    const failed = new EndOf(transport);
    failed.carrier.receive(broken());
    failed.carrier.lost();
    transport.settle(0);
    await turns(50);
    expect(failed.events).toEqual([{ failed: 'bad-record' }]);
  });
});

describe('a message that is no record', () => {
  const wrong: [what: string, message: () => unknown][] = [
    ['text', () => 'hello'],
    ['a Blob', () => new Blob(['hello'])],
    ['a view of something else than bytes', () => new DataView(recordOf([ping(1)]))],
    ['nothing', () => undefined],
    ['an empty message', () => new ArrayBuffer(0)],
    ['less than a tag', () => new ArrayBuffer(TAG - 1)],
    ['one byte too many', () => new ArrayBuffer(RECORD_MAX + 1)],
    ['one that does not open', broken],
  ];

  test.each(wrong)('%s: bad-record, once, and nothing more', async (_what, message) => {
    for (const transport of [INSTANT, new SlowTransport()]) {
      const end = new EndOf(transport);
      const settleAll = async () => {
        while (transport instanceof SlowTransport && transport.waiting.length > 0) transport.settle(0);
        await turns(50);
      };
      end.carrier.receive(recordOf([ping(1)]));
      await settleAll();
      end.carrier.receive(message());
      end.carrier.receive(recordOf([ping(2)]));
      end.carrier.receive(message());
      await settleAll();
      end.carrier.receive(recordOf([ping(3)]));
      await settleAll();
      expect(end.events).toEqual([{ frames: [ping(1)] }, { failed: 'bad-record' }]);
      // The peer can still be told why.
      end.carrier.send([{ type: 'reset', code: 19 }]);
      await settleAll();
      expect(end.sent).toHaveLength(1);
    }
  });

  test('a view of a larger buffer is a record too', () => {
    const end = new EndOf(INSTANT);
    const record = new Uint8Array(recordOf([ping(4)]));
    const message = new Uint8Array(record.length + 20);
    message.set(record, 10);
    end.carrier.receive(message.subarray(10, 10 + record.length));
    expect(end.ids).toEqual([4]);
    // The rest of the buffer is another's.
    expect(message.subarray(10, 10 + record.length)).toEqual(record);
  });

  test('a message of its own is freed once it is opened', async () => {
    for (const transport of [INSTANT, new SlowTransport()]) {
      const end = new EndOf(transport);
      const message = recordOf([ping(5), { type: 'pad', length: 4096 }]);
      end.carrier.receive(message);
      if (transport instanceof SlowTransport) {
        await turns();
        expect(message.byteLength).toBeGreaterThan(0);
        transport.settle(0);
      }
      await turns();
      expect([end.ids, message.byteLength]).toEqual([[5], 0]);
    }
  });

  test('the largest record is one', () => {
    const end = new EndOf(INSTANT);
    const pad = RECORD_MAX - TAG - 5 - 3;
    const parts: Frame[] = [ping(9), { type: 'pad', length: pad }];
    expect(recordOf(parts).byteLength).toBe(RECORD_MAX);
    end.carrier.receive(recordOf(parts));
    expect(end.events).toEqual([{ frames: parts }]);
  });

  test('frames that do not parse: bad-frame, and none of that record is delivered', async () => {
    const good = encodeFrames([ping(1)]);
    const sealed = (plaintext: Bytes) => buffer(concat(plaintext, new Uint8Array(TAG)));
    for (const plaintext of [concat(good, Uint8Array.of(8)), concat(good, Uint8Array.of(0)), Uint8Array.of(99)]) {
      for (const transport of [INSTANT, new SlowTransport()]) {
        const end = new EndOf(transport);
        end.carrier.receive(sealed(plaintext));
        end.carrier.receive(sealed(good));
        if (transport instanceof SlowTransport) while (transport.waiting.length > 0) transport.settle(0);
        await turns(50);
        expect(end.events).toEqual([{ failed: 'bad-frame' }]);
      }
    }
  });

  test('an empty plaintext: bad-frame', () => {
    const end = new EndOf({ ...INSTANT, open: () => new Uint8Array(0) });
    end.carrier.receive(new ArrayBuffer(TAG));
    expect(end.events).toEqual([{ failed: 'bad-frame' }]);
  });
});

describe('flood', () => {
  test('by bytes: what waits never exceeds UNOPENED_MAX', () => {
    const transport = new SlowTransport();
    const end = new EndOf(transport);
    const record = () => new ArrayBuffer(RECORD_MAX);
    const fits = Math.floor(UNOPENED_MAX / RECORD_MAX);
    for (let count = 0; count < fits; count++) end.carrier.receive(record());
    expect(end.failures).toEqual([]);
    end.carrier.receive(record());
    expect(end.failures).toEqual(['flood']);
    end.carrier.receive(record());
    expect(end.failures).toEqual(['flood']);
    expect(transport.waiting.length).toBe(fits);
  });

  test('by count: what waits never exceeds UNOPENED_RECORDS_MAX', () => {
    const transport = new SlowTransport();
    const end = new EndOf(transport);
    for (let count = 0; count < UNOPENED_RECORDS_MAX; count++) end.carrier.receive(recordOf([ping(count)]));
    expect(end.failures).toEqual([]);
    end.carrier.receive(recordOf([ping(0)]));
    expect(end.failures).toEqual(['flood']);
    expect(transport.waiting.length).toBe(UNOPENED_RECORDS_MAX);
  });

  test('what was opened no longer counts', async () => {
    const transport = new SlowTransport();
    const end = new EndOf(transport);
    const frames: Frame[] = [{ type: 'pad', length: 60_000 }];
    for (let count = 0; count < 100; count++) {
      end.carrier.receive(recordOf(frames));
      transport.settle(0);
      await turns(8);
    }
    expect(end.failures).toEqual([]);
    const instant = new EndOf(INSTANT);
    for (let count = 0; count < 2 * UNOPENED_RECORDS_MAX; count++) instant.carrier.receive(recordOf([ping(count)]));
    expect(instant.failures).toEqual([]);
    expect(instant.ids.length).toBe(2 * UNOPENED_RECORDS_MAX);
  });
});

describe('a key that has sealed all it may', () => {
  test.each(['at once', 'later'])('key-exhausted, once (%s)', async (when) => {
    const exhausted = () => {
      throw new PuenteError('key-exhausted');
    };
    const seal = when === 'at once' ? exhausted : async () => exhausted();
    const end = new EndOf({ ...INSTANT, seal });
    end.carrier.send([ping(1)]);
    end.carrier.send([ping(2)]);
    end.carrier.close();
    await turns(50);
    const reported = end.events.filter((event) => event !== 'closed');
    expect(end.events.at(-1)).toBe('closed');
    // Closed by its own end in the same tick, it has nobody to tell; else it is told once.
    expect(reported.length).toBeLessThanOrEqual(1);
    const other = new EndOf({ ...INSTANT, seal });
    other.carrier.send([ping(1)]);
    await turns(50);
    other.carrier.send([ping(2)]);
    await turns(50);
    other.carrier.receive(recordOf([ping(1)]));
    expect(other.events).toEqual([{ failed: 'key-exhausted' }]);
  });
});

// --- with real keys -----------------------------------------------------------------------------------------------

describe.each(CIPHERS)('sealed by %s', (_name, cipher) => {
  async function pair(): Promise<{ client: EndOf; relay: EndOf }> {
    const key = await relayKeyOf(cipher, new Uint8Array(32).fill(7));
    const initiator = await initiate(cipher, PROLOGUE, key.publicKey, new Uint8Array(32).fill(1));
    const hello = await initiator.writeHello(toUtf8('x'));
    const responder = await Responder.readHello(cipher, key, hello);
    const granted = await responder.writeGrant(toUtf8('y'), new Uint8Array(32).fill(2));
    const { transport } = await initiator.readGrant(granted.message);
    return { client: new EndOf(transport), relay: new EndOf(granted.transport) };
  }

  async function records(end: EndOf, count: number): Promise<Bytes[]> {
    for (let id = 0; id < count; id++) end.carrier.send([ping(id)]);
    await expect.poll(() => end.sent.length).toBe(count);
    return end.sent;
  }

  const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

  test('both directions', async () => {
    const { client, relay } = await pair();
    for (const record of await records(client, 20)) relay.carrier.receive(buffer(record));
    for (const record of await records(relay, 20)) client.carrier.receive(buffer(record));
    const all = Array.from({ length: 20 }, (_, id) => id);
    await expect.poll(() => relay.ids).toEqual(all);
    await expect.poll(() => client.ids).toEqual(all);
  });

  test.each([
    ['replayed', [0, 1, 1, 2], [0, 1]],
    ['reordered', [0, 2, 1, 3], [0]],
    ['left out', [1, 2, 3], []],
  ])('%s: bad-record, and nothing after it', async (_what, order, delivered) => {
    const { client, relay } = await pair();
    const sent = await records(client, 4);
    for (const index of order) relay.carrier.receive(buffer(sent[index] as Bytes));
    await expect.poll(() => relay.failures).toEqual(['bad-record']);
    await settled();
    expect([relay.ids, relay.failures]).toEqual([delivered, ['bad-record']]);
  });

  test('changed in any byte, or sent back: bad-record', async () => {
    const length = (await records((await pair()).client, 1))[0]?.length ?? 0;
    for (let at = 0; at < length; at++) {
      const { client, relay } = await pair();
      const [first, second] = await records(client, 2);
      relay.carrier.receive(buffer(flipped(first as Bytes, 8 * at + (at % 8))));
      relay.carrier.receive(buffer(second as Bytes));
      await expect.poll(() => relay.events).toEqual([{ failed: 'bad-record' }]);
    }
    const { client } = await pair();
    const [own] = await records(client, 1);
    client.carrier.receive(buffer(own as Bytes));
    await expect.poll(() => client.failures).toEqual(['bad-record']);
  });
});
