/** What V8's inspector tells of a relay's isolate: Cloudflare limits that, not what the process around it takes. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Workerd } from './workerd.ts';

/** The parts of an answer to Runtime.getHeapUsage that are in use. */
interface Heap {
  usedSize: number;
  embedderHeapUsedSize: number;
  backingStorageSize: number;
}

interface Answer {
  id: number;
  result?: unknown;
  error?: { message: string };
}

export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (message) => {
      const answer = JSON.parse(String(message)) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** @param worker one that is inspected */
  static async open({ inspectorPort }: Workerd): Promise<Inspector> {
    const isolates = await (await fetch(`http://127.0.0.1:${inspectorPort}/json`)).json();
    const [{ webSocketDebuggerUrl }] = isolates as [{ webSocketDebuggerUrl: string }];
    const socket = new WebSocket(webSocketDebuggerUrl);
    await once(socket, 'open');
    return new Inspector(socket);
  }

  /** Bytes of JavaScript objects and of the memory of ArrayBuffers, with what has not been collected yet. */
  async heapBytes(): Promise<number> {
    const heap = (await this.#call('Runtime.getHeapUsage')) as Heap;
    return heap.usedSize + heap.embedderHeapUsedSize + heap.backingStorageSize;
  }

  async #call(method: string): Promise<unknown> {
    const id = ++this.#calls;
    this.#socket.send(JSON.stringify({ id, method }));
    const { result, error } = await new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  close(): void {
    this.#socket.close();
  }
}
