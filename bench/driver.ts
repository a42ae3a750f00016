/**
 * The app's process. The process is separate so that its heap holds the objects of an app, and not the bench's tools.
 * V8 walks through the whole heap whenever much was allocated, which made the tunnel look half as fast.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { tasks } from './tasks.ts';

type Tasks = typeof tasks;
type Name = keyof Tasks;
interface Call {
  name: Name;
  parameters: unknown[];
}
type Reply = { result: unknown } | { error: string };

const SELF = fileURLToPath(import.meta.url);

export class Driver {
  readonly #process: ChildProcess;

  /** @param certificateFile PEM file of a certificate to trust */
  constructor(certificateFile: string) {
    this.#process = fork(SELF, [], { env: { ...process.env, NODE_EXTRA_CA_CERTS: certificateFile } });
  }

  /** Runs a task in the process; one at a time. */
  async run<N extends Name>(name: N, ...parameters: Parameters<Tasks[N]>): Promise<Awaited<ReturnType<Tasks[N]>>> {
    this.#process.send({ name, parameters } satisfies Call);
    const [reply] = (await once(this.#process, 'message')) as [Reply];
    if ('error' in reply) throw new Error(`${name}: ${reply.error}`);
    return reply.result as Awaited<ReturnType<Tasks[N]>>;
  }

  /** Stops the process where it is, like a phone that loses its network in a pocket. */
  freeze(): void {
    this.#process.kill('SIGSTOP');
  }

  stop(): void {
    this.#process.kill('SIGKILL');
  }
}

async function answer({ name, parameters }: Call): Promise<Reply> {
  try {
    const task = tasks[name] as (...parameters: unknown[]) => unknown;
    return { result: await task(...parameters) };
  } catch (error) {
    return { error: String(error) };
  }
}

if (process.argv[1] === SELF) {
  process.on('message', async (call: Call) => process.send?.(await answer(call)));
  process.on('disconnect', () => process.exit());
}
