/** Has a target fuzzed in a thread, and ends that when a case does not come to its end. */
import { Worker } from 'node:worker_threads';
import { BATCH, type Failure } from './run.ts';

export interface Plan {
  cases: number;
  seed: number;
  /** Only the case there, of that seed. */
  path: string | undefined;
}

export interface Task extends Plan {
  name: string;
  /** In shared memory: the number of the case under way, and one that grows with whatever is tried. */
  at: { number: Int32Array; beat: Int32Array };
}

export interface Outcome {
  /** Bytes in use at the end, less those after a tenth of the cases. */
  heapGrowth?: number;
  failure?: Failure;
}

export interface Row {
  target: string;
  cases: number;
  seconds: number;
  heapGrowth: number | undefined;
  failures: Failure[];
}

/** Milliseconds. The longest case takes one second; a machine may do other things as well. */
const HANGS_AFTER = 60_000;

const shared = () => new Int32Array(new SharedArrayBuffer(4));

export async function fuzz(name: string, plan: Plan, progress: (cases: number) => void): Promise<Row> {
  const start = performance.now();
  const task: Task = { ...plan, name, at: { number: shared(), beat: shared() } };
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: task });
  const { heapGrowth, failure } = await outcomeOf(worker, task, progress);
  await worker.terminate();
  return {
    target: name,
    cases: failure?.path === undefined ? plan.cases : Atomics.load(task.at.number, 0) + 1,
    seconds: (performance.now() - start) / 1000,
    heapGrowth,
    failures: failure ? [failure] : [],
  };
}

function outcomeOf(worker: Worker, { seed, at }: Task, progress: (cases: number) => void): Promise<Outcome> {
  return new Promise((resolve) => {
    const broken = (report: string) => {
      const number = Atomics.load(at.number, 0);
      resolve({ failure: { seed: (seed + Math.floor(number / BATCH)) | 0, path: `${number % BATCH}`, report } });
    };
    let beat = -1;
    let movedAt = performance.now();
    const timer = setInterval(() => {
      progress(Atomics.load(at.number, 0));
      const now = performance.now();
      if (Atomics.load(at.beat, 0) !== beat) movedAt = now;
      beat = Atomics.load(at.beat, 0);
      if (now - movedAt > HANGS_AFTER) broken(`It does not come to its end in ${HANGS_AFTER / 1000} seconds.`);
    }, 500);
    worker.once('message', resolve);
    worker.once('error', (error) => broken(`It ends the thread: ${error}`));
    worker.once('exit', () => clearInterval(timer));
  });
}
