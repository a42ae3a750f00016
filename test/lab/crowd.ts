/** Many sessions at once, through one hub. */
import { type Duplex, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setImmediate as breath, setTimeout as sleep } from 'node:timers/promises';
import { KnownBytes, KnownBytesCheck } from '../support/fixtures/bytes.ts';

const PIECE = 64 * 1024;
/** Those that are open already may take all of this machine meanwhile, and an opening has 20 s. */
const OPENED_AT_ONCE = 8;

/** All of them, or none. */
export async function openMany<T extends Duplex>(count: number, open: () => T): Promise<T[]> {
  const all: T[] = [];
  try {
    while (all.length < count) {
      const some = Array.from({ length: Math.min(OPENED_AT_ONCE, count - all.length) }, open);
      all.push(...some);
      await Promise.all(some.map(connected));
    }
    return all;
  } catch (error) {
    for (const stream of all) stream.destroy();
    throw error;
  }
}

function connected(stream: Duplex): Promise<void> {
  return new Promise((resolve, reject) => void stream.once('connect', resolve).once('error', reject));
}

/**
 * Sends known bytes to a server that echoes them; rejects where something else comes back.
 * @param onArrival is told of bytes that have come back
 */
export async function exchange(
  stream: Duplex,
  seed: number,
  length: number,
  onArrival?: (bytes: number) => void,
): Promise<void> {
  const check = download(stream, seed, onArrival);
  Readable.from(pieces(seed, length)).pipe(stream);
  await finished(stream);
  if (check.length !== length) throw new Error(`${check.length} of ${length} bytes came back`);
}

/** As many bytes as it takes, until it is closed. */
export function pourInto(stream: Duplex, seed: number): void {
  Readable.from(inTime(pieces(seed, Number.POSITIVE_INFINITY))).pipe(stream);
}

/** The kernel takes some MB of each stream at once. Without a breath between two pieces this process does nothing else meanwhile. */
async function* inTime(all: Iterable<Buffer>): AsyncGenerator<Buffer> {
  for (const piece of all) {
    yield piece;
    await breath();
  }
}

function* pieces(seed: number, length: number): Generator<Buffer> {
  const source = new KnownBytes(seed);
  for (let left = length; left > 0; left -= PIECE) yield source.next(Math.min(left, PIECE));
}

/** Counts what comes over a stream, and checks it; wrong bytes destroy the stream. */
export function download(stream: Duplex, seed: number, onArrival?: (bytes: number) => void): KnownBytesCheck {
  const check = new KnownBytesCheck(seed);
  stream.on('data', (bytes: Buffer) => {
    try {
      check.feed(bytes);
    } catch (error) {
      stream.destroy(error as Error);
    }
    onArrival?.(bytes.length);
  });
  return check;
}

/** Bytes that come in that many milliseconds, by all of them together. */
export async function arriving(downloads: KnownBytesCheck[], ms: number): Promise<number> {
  const total = () => downloads.reduce((sum, { length }) => sum + length, 0);
  const before = total();
  await sleep(ms);
  return total() - before;
}
