/** The figures that the bench measures: each figure for every contestant, repeat by repeat, in turn. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, residentBytes } from '../test/support/proc.ts';
import { delayedPath } from './delay.ts';
import type { Contestant, Fresh, Lab, Name, WorkerName } from './lab.ts';
import { quantile, type Spread, spread } from './statistics.ts';

const MiB = 1024 * 1024;

/** One contestant's result; a spread is over the repeats. */
export interface Result extends Spread {
  /** Of the relaying process, user and system. */
  cpu?: Spread;
  /** The slowest one of a hundred. */
  p99?: Spread;
  /** Network round trips after the TCP connection, until the first answer byte. */
  roundTrips?: number;
}

export interface Figure {
  title: string;
  unit: string;
  cpuUnit?: string;
  results: Partial<Record<Name, Result>>;
}

/** One repeat of one contestant. */
interface Sample {
  value: number;
  cpu?: number;
  p99?: number;
}

export interface Plan {
  repeats: number;
  /** Called with a text as the work goes on. */
  progress(text: string): void;
}

// --- of long-running contestants ----------------------------------------------------------------------------------

const TOTAL = 256 * MiB;

export function throughput(direction: 'down' | 'up', streams: number): FigureOf {
  return {
    title: `throughput ${direction}, ${streams === 1 ? 'one stream' : `${streams} streams`}`,
    unit: 'MiB/s',
    cpuUnit: 'ms/MiB',
    async sample(contestant) {
      const [seconds, cpu] = await withCpu(contestant, () =>
        contestant.driver.run(direction, contestant.which, TOTAL / streams, streams),
      );
      return { value: TOTAL / MiB / seconds, cpu: (cpu * 1000) / (TOTAL / MiB) };
    },
  };
}

const ECHOES = 2000;

export function echo(size: number): FigureOf {
  return {
    title: `round trip of ${size} bytes`,
    unit: 'us',
    cpuUnit: 'us/echo',
    async sample(contestant) {
      const [samples, cpu] = await withCpu(contestant, () =>
        contestant.driver.run('echo', contestant.which, size, ECHOES),
      );
      return { value: quantile(samples, 0.5), p99: quantile(samples, 0.99), cpu: (cpu * 1e6) / ECHOES };
    },
  };
}

const OPENINGS = 300;

export const opening: FigureOf = {
  title: 'opening, to the first answer byte',
  unit: 'ms',
  cpuUnit: 'ms/session',
  async sample(contestant) {
    const [samples, cpu] = await withCpu(contestant, () =>
      contestant.driver.run('opening', contestant.which, OPENINGS),
    );
    return { value: quantile(samples, 0.5), p99: quantile(samples, 0.99), cpu: (cpu * 1000) / OPENINGS };
  },
};

interface FigureOf {
  title: string;
  unit: string;
  cpuUnit: string;
  sample(contestant: Contestant): Promise<Sample>;
}

/**
 * Runs a warm-up, then the repeats. Every other repeat runs in reverse, because a contestant that runs after a long run
 * is slower.
 */
export async function measure(of: FigureOf, contestants: Contestant[], plan: Plan): Promise<Figure> {
  const samples = new Map<Name, Sample[]>(contestants.map(({ name }) => [name, []]));
  for (let repeat = 0; repeat <= plan.repeats; repeat += 1) {
    plan.progress(`${of.title}: ${repeat === 0 ? 'warm-up' : `${repeat} of ${plan.repeats}`}`);
    for (const contestant of repeat % 2 === 0 ? contestants : contestants.toReversed()) {
      const sample = await of.sample(contestant);
      if (repeat > 0) samples.get(contestant.name)?.push(sample);
    }
  }
  const { title, unit, cpuUnit } = of;
  return { title, unit, cpuUnit, results: resultsOf(samples) };
}

async function withCpu<T>({ pid }: Contestant, run: () => Promise<T>): Promise<[T, number]> {
  const before = pid ? cpuSeconds(pid) : 0;
  const result = await run();
  return [result, pid ? cpuSeconds(pid) - before : 0];
}

function resultsOf(samples: Map<Name, Sample[]>): Figure['results'] {
  const of = (some: Sample[]): Result => {
    const numbers = (key: 'cpu' | 'p99') => some.map((sample) => sample[key]).filter((number) => number !== undefined);
    const result: Result = spread(some.map(({ value }) => value));
    const [cpu, p99] = [numbers('cpu'), numbers('p99')];
    // Without a relaying process there is no CPU time.
    if (cpu.some((number) => number > 0)) result.cpu = spread(cpu);
    if (p99.length > 0) result.p99 = spread(p99);
    return result;
  };
  return Object.fromEntries([...samples].map(([name, some]) => [name, of(some)]));
}

// --- of fresh ones ------------------------------------------------------------------------------------------------

const DELAY = 50;

/** Counts the round trips at a path that takes 50 ms each way. The TCP connection itself is not delayed. */
export async function roundTrips(lab: Lab, name: WorkerName): Promise<number> {
  const fresh = await lab.fresh(name);
  const path = await delayedPath(fresh.worker.tlsPort, DELAY);
  await fresh.driver.run('opening', fresh.overTls(path.port), 1);
  const { turns } = path;
  path.close();
  await fresh.stop();
  return turns;
}

/** One source gets no more than 708 slots of an isolate and 354 of a hub: see worker/admission/slots.ts. */
const IDLE_SESSIONS = { floor: 700, tunnel: 700, hub: 350 };

/** Memory of the relay for each of many silent sessions. */
export function idle(lab: Lab, plan: Plan): Promise<Figure> {
  return measureFresh(lab, plan, { title: 'memory of an idle session', unit: 'KiB' }, async (fresh, name) => {
    const sessions = IDLE_SESSIONS[name];
    const { driver, which, pid } = fresh;
    await driver.run('hold', which, 50);
    await driver.run('letGo');
    await sleep(1000);
    const before = residentBytes(pid);
    await driver.run('hold', which, sessions);
    await sleep(2000);
    return (residentBytes(pid) - before) / sessions / 1024;
  });
}

const OFFERED = 1024 * MiB;
const STALL = 5000;

/** How much the relay's memory grows when its client stops reading and the backend offers 1 GiB. */
export function stalled(lab: Lab, plan: Plan): Promise<Figure> {
  return measureFresh(lab, plan, { title: 'growth while a reader stalls', unit: 'MiB' }, async (fresh) => {
    const { driver, which, pid } = fresh;
    await driver.run('down', which, 64 * MiB, 1);
    await sleep(1000);
    const before = residentBytes(pid);
    await driver.run('begin', which, OFFERED, 16 * MiB);
    driver.freeze();
    let peak = 0;
    for (const end = performance.now() + STALL; performance.now() < end; await sleep(50))
      peak = Math.max(peak, residentBytes(pid));
    return (peak - before) / MiB;
  });
}

type FreshName = keyof typeof IDLE_SESSIONS;

async function measureFresh(
  lab: Lab,
  plan: Plan,
  names: Pick<Figure, 'title' | 'unit'>,
  sample: (fresh: Fresh, name: FreshName) => Promise<number>,
): Promise<Figure> {
  const samples = new Map<Name, Sample[]>([
    ['floor', []],
    ['tunnel', []],
    ['hub', []],
  ]);
  for (let repeat = 1; repeat <= plan.repeats; repeat += 1) {
    plan.progress(`${names.title}: ${repeat} of ${plan.repeats}`);
    for (const name of ['floor', 'tunnel', 'hub'] as const) {
      const fresh = await lab.fresh(name);
      samples.get(name)?.push({ value: await sample(fresh, name) });
      await fresh.stop();
    }
  }
  return { ...names, results: resultsOf(samples) };
}
