/** Carriers that are killed at every moment of a short session: while they open, resume, carry, and say their last words. */
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createConnection } from '../../client/node/index.ts';
import type { Ending, Fault } from '../lab/connection.ts';
import { cutAfter } from '../lab/faults.ts';
import { startMiddlebox } from '../lab/middlebox.ts';
import { KnownBytes, KnownBytesCheck } from '../support/fixtures/bytes.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';
import { until } from '../support/until.ts';

const LENGTH = 2000;
/** Cuts of one kind, spread over all that a session's connection carries. */
const MOMENTS = 40;
const AT_ONCE = 20;

let backend: Backend;
let relay: Relay;

beforeAll(async () => {
  backend = await startBackend(echo);
  relay = await startRelay({ BACKENDS: backend.entry });
});

afterAll(async () => {
  await relay.close();
  await backend.close();
});

interface Outcome {
  opened: boolean;
  /** What came back, before the end or the error. */
  received: number;
  ending: 'end' | string;
  ms: number;
  /** Bytes on the network, both ways, with those of all carriers. */
  carried: number;
  carriers: number;
}

/** Sends, half-closes, and reads to the end over a network with these faults. */
async function session(faults: Fault[]): Promise<Outcome> {
  const network = await startMiddlebox(Number(new URL(relay.origin).port), faults);
  const link = new URL(relay.link);
  link.port = String(network.port);
  const started = performance.now();
  const socket = createConnection(backend.address, { relay: link.href, allowHalfOpen: true });
  const check = new KnownBytesCheck(7);
  const outcome = { opened: false, ending: 'hang' };
  socket.on('connect', () => {
    outcome.opened = true;
  });
  socket.on('data', (bytes: Buffer) => check.feed(bytes));
  socket.on('error', (error) => {
    outcome.ending = (error as { code?: string }).code ?? error.message;
  });
  socket.on('end', () => {
    outcome.ending = 'end';
  });
  socket.write(new KnownBytes(7).next(LENGTH));
  socket.end();
  const deadline = AbortSignal.timeout(30_000);
  await once(socket, 'close', { signal: deadline }).catch(() => socket.destroy());
  const ms = performance.now() - started;
  await network.close();
  return { ...outcome, received: check.length, ms, carried: network.up + network.down, carriers: network.accepted };
}

/** The first `connections` are cut when they have carried so much; those after them are left alone. */
function firstCut(connections: number, bytes: number, how: Ending): Fault {
  const fault = cutAfter({ bytes }, how);
  let begun = 0;
  return (connection) => {
    begun += 1;
    return begun <= connections ? fault(connection) : undefined;
  };
}

it.each([
  ['once', 'rst', 1],
  ['once', 'fin', 1],
  ['twice in a row', 'rst', 2],
  ['twice in a row', 'fin', 2],
] as const)(
  'at any moment, %s, by %s: all arrives, or a clear error before anything was opened',
  async (_, how, times) => {
    const { carried } = await session([]);
    const moments = Array.from({ length: MOMENTS }, (_value, at) => 20 + Math.round((at * (carried + 200)) / MOMENTS));
    const outcomes: (Outcome & { at: number })[] = [];
    for (let begin = 0; begin < MOMENTS; begin += AT_ONCE) {
      const batch = moments.slice(begin, begin + AT_ONCE);
      outcomes.push(
        ...(await Promise.all(batch.map(async (at) => ({ at, ...(await session([firstCut(times, at, how)])) })))),
      );
    }
    for (const outcome of outcomes) {
      const arrived = { ending: 'end', opened: true, received: LENGTH };
      const refused = { ending: expect.stringMatching(/^(unreachable|carrier-lost)$/), opened: false, received: 0 };
      expect(outcome).toMatchObject(outcome.ending === 'end' ? arrived : refused);
    }
    const survived = outcomes.filter(({ ending, carriers }) => ending === 'end' && carriers > times);
    // Both kinds of moment were among them: before the grant, and after it.
    expect(survived.length).toBeGreaterThan(MOMENTS / 4);
    expect(outcomes.filter(({ ending }) => ending !== 'end').length).toBeGreaterThan(2);
    expect(Math.max(...outcomes.map(({ ms }) => ms))).toBeLessThan(10_000);
  },
);

it('and the relay lets every backend go', async () => {
  await until('they are closed', () => backend.open.size === 0, 15_000);
});
