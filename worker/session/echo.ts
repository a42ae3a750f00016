/** The backend of a check: it sends back what it gets, CHECK_BYTES and no more, so that nobody can do anything else with it. */
import type { Code } from '../../protocol/errors.ts';
import { CHECK_BYTES, CHECK_TIME } from '../../protocol/limits.ts';
import { type Connection, join, type Pipe } from './pipe.ts';

export async function joinEcho(onEnded: (code: Code | undefined) => void): Promise<Pipe> {
  // Breaks at one byte more, as a backend's connection does.
  const { readable, writable } = new FixedLengthStream(CHECK_BYTES);
  return joinBriefly({ readable, writable, close: () => writable.abort() }, onEnded);
}

/** Puts a session on top of what the relay itself is the backend of, for CHECK_TIME at most. */
export async function joinBriefly(backend: Connection, onEnded: (code: Code | undefined) => void): Promise<Pipe> {
  const pipe = await join(backend, 'any', CHECK_TIME, {
    ended(code) {
      clearTimeout(timer);
      onEnded(code);
    },
  });
  const timer = setTimeout(() => pipe.session.reset('idle'), CHECK_TIME);
  return pipe;
}
