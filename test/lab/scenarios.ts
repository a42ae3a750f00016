/** What a network does to connections, and what has to get through all the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../support/network/simulation.ts';
import type { Fault } from './connection.ts';
import { cutAfter, delay, filterNames, freezeAfter, limitHandshakes, throttle } from './faults.ts';
import type { Middlebox } from './middlebox.ts';

export interface Scenario {
  name: string;
  /** New ones for each run. */
  faults(): Fault[];
  /** MiB each way, or a conversation of 200 messages and a picture. */
  traffic: 'conversation' | number;
  /** Milliseconds for all of it. */
  deadline: number;
  /** What happens to the network meanwhile. */
  during?(middlebox: Middlebox): Promise<void>;
  /** Nothing can arrive, and the app must be told so. */
  isHopeless?: true;
}

const KB = 1000;
const MINUTE = 60_000;

export function scenarios(seed: number): Scenario[] {
  const random = new Random(seed);
  const between = (low: number, high: number) => () => random.between(low, high);
  return [
    { name: 'a clean path', faults: () => [], traffic: 'conversation', deadline: MINUTE },
    {
      name: 'cut by RST after up to 3 MB, 256 MiB each way',
      faults: () => [cutAfter({ bytes: between(20 * KB, 3000 * KB) }, 'rst')],
      traffic: 256,
      deadline: 5 * MINUTE,
    },
    {
      name: 'cut by FIN after up to 3 MB',
      faults: () => [cutAfter({ bytes: between(20 * KB, 3000 * KB) }, 'fin')],
      traffic: 32,
      deadline: MINUTE,
    },
    {
      name: 'killed after 300 ms',
      faults: () => [delay(5), cutAfter({ ms: 300 }, 'rst')],
      traffic: 'conversation',
      deadline: MINUTE,
    },
    {
      name: 'frozen after up to 2 s',
      faults: () => [delay(5), freezeAfter({ ms: between(500, 2000) })],
      traffic: 'conversation',
      deadline: 2 * MINUTE,
    },
    {
      name: 'the way up frozen after 64 KB',
      faults: () => [freezeAfter({ bytes: 64 * KB }, 'up')],
      traffic: 'conversation',
      deadline: 2 * MINUTE,
    },
    {
      name: 'frozen after 16 KB',
      faults: () => [freezeAfter({ bytes: 16 * KB })],
      traffic: 'conversation',
      deadline: 4 * MINUTE,
    },
    {
      name: 'frozen after 25 packets',
      faults: () => [freezeAfter({ packets: 25 })],
      traffic: 'conversation',
      deadline: 4 * MINUTE,
    },
    {
      name: 'slow and long: 1 MB/s, 80-120 ms each way',
      faults: () => [delay(80, 40), throttle(1000 * KB)],
      traffic: 4,
      deadline: MINUTE,
    },
    {
      name: '300 KB/s, cut by RST after up to 600 KB',
      faults: () => [throttle(300 * KB), cutAfter({ bytes: between(20 * KB, 600 * KB) }, 'rst')],
      traffic: 4,
      deadline: 2 * MINUTE,
    },
    {
      name: 'killed after 5 s, 80-120 ms each way',
      faults: () => [delay(80, 40), cutAfter({ ms: 5000 }, 'rst')],
      traffic: 'conversation',
      deadline: 3 * MINUTE,
    },
    {
      name: '10 handshakes a minute, killed after 2-5 s',
      faults: () => [limitHandshakes(10), delay(25), cutAfter({ ms: between(2000, 5000) }, 'rst')],
      traffic: 'conversation',
      deadline: 5 * MINUTE,
    },
    {
      name: 'the address blocked for 10 s',
      faults: () => [delay(25)],
      traffic: 'conversation',
      deadline: 2 * MINUTE,
      async during(middlebox) {
        await sleep(2000);
        middlebox.block();
        await sleep(10_000);
        middlebox.unblock();
      },
    },
    {
      name: 'names filtered, but not this one',
      faults: () => [filterNames(['blocked.example'], 'rst')],
      traffic: 'conversation',
      deadline: MINUTE,
    },
    {
      name: 'the name filtered by RST, in the stream',
      faults: () => [filterNames(['localhost'], 'rst', 'stream')],
      traffic: 'conversation',
      deadline: MINUTE,
    },
    {
      name: 'the name filtered in silence, in the stream',
      faults: () => [filterNames(['localhost'], 'freeze', 'stream')],
      traffic: 'conversation',
      deadline: MINUTE,
    },
    {
      name: 'the name filtered by RST, in the handshake',
      faults: () => [filterNames(['localhost'], 'rst')],
      traffic: 1,
      deadline: MINUTE / 2,
      isHopeless: true,
    },
    {
      name: 'the name filtered in silence, in the handshake',
      faults: () => [filterNames(['localhost'], 'freeze')],
      traffic: 1,
      deadline: MINUTE / 2,
      isHopeless: true,
    },
  ];
}
