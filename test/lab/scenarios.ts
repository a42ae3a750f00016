/** What a network does to connections, and what has to get through all the same. */
import { Random } from '../support/simulation.ts';
import type { Fault } from './connection.ts';
import { cutAfter, delay, freezeAfter, throttle } from './faults.ts';

export interface Scenario {
  name: string;
  /** New ones for each run. */
  faults(): Fault[];
  /** MiB each way, or a conversation of 200 messages and a picture. */
  traffic: 'conversation' | number;
  /** Milliseconds for all of it. */
  deadline: number;
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
  ];
}
