/** What a check sends through a relay: a backend's first bytes, and 64 KiB to the relay and back. */
import { type Bytes, concat, EMPTY, equal } from '../../protocol/bytes.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { CHECK_BYTES } from '../../protocol/limits.ts';
import { formatLink, type RelayAddress } from '../../protocol/permits/link.ts';
import { within } from '../../protocol/waiting.ts';
import { clock } from '../clock.ts';
import { random } from '../random.ts';
import { findRelay } from '../relays/resolve.ts';
import type { Runtime } from '../runtime.ts';
import { type Socket, socketThrough } from '../socket.ts';
import { greeting, isAnswer, type Speech } from './greeting.ts';
import type { Stages } from './stages.ts';

/**
 * The 64 KiB go to the relay and back in parts of this size, in bytes. Each part waits for the one before it, so that
 * the check knows how much came through.
 */
const CHECK_PART = 4096;

/** How long a check waits for the backend's first bytes, and for each part to come back, in milliseconds. */
const CHECK_ANSWER_TIMEOUT = 5000;

/** The number of bytes of a backend's answer that tell who speaks. */
const ANSWER_BEGINNING = 4;

export interface Target {
  backend: string;
  /** The backend's name or address, without the port. */
  host: string;
  speech: Speech;
}

/**
 * Greets the backend, and waits for the beginning of the backend's answer.
 * @throws PuenteError
 */
export async function askBackend(
  { backend, host, speech }: Target,
  relay: string,
  runtime: Runtime,
  stages: Stages,
): Promise<void> {
  const socket = socketThrough(stages.observed(runtime), backend, { relay });
  try {
    const writing = socket.writable.getWriter().write(greeting(speech, host));
    writing.catch(() => {});
    await socket.opened;
    for (const stage of ['hello', 'grant', 'backend'] as const) stages.pass(stage);
    const answer = await take(socket.readable.getReader(), ANSWER_BEGINNING, 'backend-silent', 'backend-silent');
    if (!isAnswer(speech, answer)) throw new PuenteError('backend-strange');
    stages.pass('answer');
  } finally {
    socket.close().catch(() => {});
  }
}

/**
 * Sends CHECK_BYTES to the relay and back. Returns the code of a relay that did not try this.
 * @throws PuenteError
 */
export async function sendBulk(
  relay: string,
  runtime: Runtime,
  stages: Stages,
): Promise<'limited' | 'version' | undefined> {
  const socket = socketThrough(stages.observed(runtime), '', { relay });
  const bytes = random(CHECK_BYTES);
  let back = 0;
  try {
    await openEcho(socket, stages);
    const [writer, reader] = [socket.writable.getWriter(), socket.readable.getReader()];
    for (; back < CHECK_BYTES; back += CHECK_PART) {
      const part = bytes.subarray(back, back + CHECK_PART);
      writer.write(part).catch(() => {});
      await echoed(part, reader);
    }
    stages.pass('bulk');
    return undefined;
  } catch (error) {
    if (!(error instanceof PuenteError)) throw error;
    if (back === 0 && (error.code === 'limited' || error.code === 'version')) return error.code;
    if (!stages.hasPassed('grant')) throw error;
    const [least, most] = [back, back + CHECK_PART].map((bytes) => (2 * bytes) / 1024);
    throw new PuenteError(error.code, `That was after ${least} to ${most} KiB.`);
  } finally {
    socket.close().catch(() => {});
  }
}

/**
 * Asks a bare address for its key. When the address cannot be asked, a WebSocket tells more about the failure: so it is
 * dialled with a random key that no relay has.
 * @throws PuenteError
 */
export async function discover({ url }: RelayAddress, runtime: Runtime, stages: Stages): Promise<void> {
  try {
    await findRelay(url);
  } catch (error) {
    if (!(error instanceof PuenteError) || error.code !== 'unreachable') throw error;
    const relay = formatLink({ url, key: random(32) });
    await socketThrough(stages.observed(runtime), '', { relay }).opened;
    throw error;
  }
}

/**
 * Opens a check of the relay. Where the relay was reached a moment before, the network is what stops a second
 * connection.
 */
async function openEcho(socket: Socket, stages: Stages): Promise<void> {
  if (stages.hasPassed('grant')) return void (await inTime(2 * CHECK_ANSWER_TIMEOUT, socket.opened, 'frozen'));
  await socket.opened;
  for (const stage of ['hello', 'grant'] as const) stages.pass(stage);
}

async function echoed(part: Bytes, reader: Reader): Promise<void> {
  const echo = await take(reader, part.length, 'frozen', 'carrier-lost');
  if (!equal(echo, part)) throw new PuenteError('backend-strange');
}

type Reader = ReadableStreamDefaultReader<Bytes>;

/**
 * At least `length` bytes, with any others that came in the same chunk.
 * @throws PuenteError `late` when nothing comes for CHECK_ANSWER_TIMEOUT, `ended` at the stream's end
 */
async function take(reader: Reader, length: number, late: Code, ended: Code): Promise<Bytes> {
  let taken = EMPTY;
  while (taken.length < length) {
    const { value } = await inTime(CHECK_ANSWER_TIMEOUT, reader.read(), late);
    if (!value) throw new PuenteError(ended);
    taken = concat(taken, value);
  }
  return taken;
}

/** @throws PuenteError with the code `late` when the promise takes longer than `ms` */
async function inTime<T extends object>(ms: number, promise: Promise<T>, late: Code): Promise<T> {
  const value = await within(clock, ms, promise);
  if (!value) throw new PuenteError(late);
  return value;
}
