/** What the relay's isolate takes: Cloudflare limits that, not what the process around it takes. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { residentBytes } from '../support/proc.ts';
import type { Workerd } from '../support/servers/workerd.ts';

export interface IsolateWatch {
  /** Bytes, of JavaScript objects and of the memory of ArrayBuffers, with what has not been collected yet. */
  readonly most: number;
  readonly mostOfProcess: number;
  close(): void;
}

/** The parts of an answer to Runtime.getHeapUsage that are in use. */
interface Heap {
  usedSize: number;
  embedderHeapUsedSize: number;
  backingStorageSize: number;
}

const PAUSE = 100;

/** @param worker one that is inspected */
export async function watchIsolate({ pid, inspectorPort }: Workerd): Promise<IsolateWatch> {
  const isolates = await (await fetch(`http://127.0.0.1:${inspectorPort}/json`)).json();
  const [{ webSocketDebuggerUrl }] = isolates as [{ webSocketDebuggerUrl: string }];
  const socket = new WebSocket(webSocketDebuggerUrl);
  await once(socket, 'open');
  const watch = {
    most: 0,
    mostOfProcess: 0,
    close() {
      clearInterval(timer);
      socket.close();
    },
  };
  socket.on('message', (message) => {
    const { result } = JSON.parse(String(message)) as { result: Heap };
    const { usedSize, embedderHeapUsedSize, backingStorageSize } = result;
    watch.most = Math.max(watch.most, usedSize + embedderHeapUsedSize + backingStorageSize);
  });
  const timer = setInterval(() => {
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.getHeapUsage' }));
    watch.mostOfProcess = Math.max(watch.mostOfProcess, residentBytes(pid));
  }, PAUSE);
  return watch;
}
