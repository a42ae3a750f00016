/** The most that a relay's isolate takes while something happens. */
import { residentBytes } from '../support/proc.ts';
import { Inspector } from '../support/servers/inspector.ts';
import type { Workerd } from '../support/servers/workerd.ts';

export interface IsolateWatch {
  /** Bytes, with what has not been collected yet. */
  readonly most: number;
  readonly mostOfProcess: number;
  close(): void;
}

const PAUSE = 100;

/** @param worker one that is inspected */
export async function watchIsolate(worker: Workerd): Promise<IsolateWatch> {
  const inspector = await Inspector.open(worker);
  const watch = {
    most: 0,
    mostOfProcess: 0,
    close() {
      clearInterval(timer);
      inspector.close();
    },
  };
  const timer = setInterval(async () => {
    watch.mostOfProcess = Math.max(watch.mostOfProcess, residentBytes(worker.pid));
    watch.most = Math.max(watch.most, await inspector.heapBytes());
  }, PAUSE);
  return watch;
}
