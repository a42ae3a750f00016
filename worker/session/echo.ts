/**
 * The backend of a check. It sends back the bytes that it gets, CHECK_BYTES and no more, so that nobody can use it for
 * anything else.
 */
import type { Code } from '../../protocol/errors.ts';
import { CHECK_BYTES, CHECK_TIME } from '../../protocol/limits.ts';
import { type Connection, join, type Pipe } from './pipe.ts';

export async function joinEcho(onEnded: (code: Code | undefined) => void): Promise<Pipe> {
  // The stream breaks at one byte more, as a backend's connection breaks.
  const { readable, writable } = new FixedLengthStream(CHECK_BYTES);
  return joinBriefly({ readable, writable, close: () => writable.abort() }, onEnded);
}

/** Joins a session to a backend that is the relay itself, for CHECK_TIME at most. */
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
