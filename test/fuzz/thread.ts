/** Fuzzes one target in a thread of its own: memory is that target's alone there, and a case that hangs can be ended. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { BATCH, runBatch } from './run.ts';
import { targets } from './targets.ts';
import type { Outcome, Task } from './watch.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes. Below it is what the engine learns and keeps of any work; a leak of forty bytes a case is above it in a whole run. */
const HEAP_GROWTH_MAX = 4 * 1024 * 1024;

/** Bytes that are in use, buffers included. */
async function heapInUse(): Promise<number> {
  // Memory outside the heap is given back a little after what has held it.
  for (let round = 0; round < 3; round += 1) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

async function fuzz({ name, cases, seed, path, at }: Task): Promise<Outcome> {
  const target = targets.find((one) => one.name === name);
  if (!target) throw new Error(`no target is called ${name}`);
  let heapAtTenth: number | undefined;
  for (let done = 0; done < cases; done += BATCH) {
    const batch = { seed: (seed + done / BATCH) | 0, cases: Math.min(BATCH, cases - done), path };
    const failure = await runBatch(target, batch, (number) => {
      Atomics.store(at.number, 0, done + number);
      Atomics.add(at.beat, 0, 1);
    });
    if (failure) return { failure };
    if (done + BATCH >= cases / 10) heapAtTenth ??= await heapInUse();
  }
  const heapGrowth = (await heapInUse()) - (heapAtTenth ?? 0);
  if (heapGrowth <= HEAP_GROWTH_MAX) return { heapGrowth };
  const report = `After these ${cases} cases ${heapGrowth} bytes more are in use than after a tenth of them.`;
  return { heapGrowth, failure: { seed, report } };
}

parentPort?.postMessage(await fuzz(workerData as Task));
