/**
 * Reads a client's handshake and not a byte more. The client's bytes after the handshake stay in the socket's own
 * buffer, for the next reader.
 */
import type { Readable } from 'node:stream';

/** The client ended before it said what it wants. */
export class HungUp extends Error {}

/** The gateway does not serve the client. */
export class Refusal extends Error {
  /** The reply to the client; empty where the client's protocol has no word for a refusal. */
  readonly reply: string | Uint8Array;

  constructor(message: string, reply: string | Uint8Array = '') {
    super(message);
    this.reply = reply;
  }
}

/**
 * Reads exactly `length` bytes.
 * @throws HungUp when the client ends before
 */
export async function take(client: Readable, length: number): Promise<Buffer> {
  let taken = Buffer.alloc(0);
  while (taken.length < length) taken = Buffer.concat([taken, await some(client)]);
  putBack(client, taken.subarray(length));
  return taken.subarray(0, length);
}

/**
 * Reads the bytes before `mark`, and `mark` itself.
 * @param most the limit in bytes, with the mark
 * @param check throws early, for bytes that cannot become a whole head
 * @returns the bytes before the mark as Latin-1; nothing when there is no mark within `most`
 * @throws HungUp when the client ends before
 */
export async function takeUntil(
  client: Readable,
  mark: string,
  most: number,
  check: (head: string) => void,
): Promise<string | undefined> {
  let taken = Buffer.alloc(0);
  for (;;) {
    taken = Buffer.concat([taken, await some(client)]);
    const head = taken.toString('latin1');
    check(head);
    const at = head.indexOf(mark);
    const end = at + mark.length;
    if (end > most || (at < 0 && taken.length >= most)) return undefined;
    if (at < 0) continue;
    putBack(client, taken.subarray(end));
    return head.slice(0, at);
  }
}

/**
 * Reads all bytes that have come, at least one. Do not use `read(length)`: while the socket's buffer has fewer bytes,
 * waiting for `readable` ends at once, again and again.
 * @throws HungUp when the client ends before
 */
export async function some(client: Readable): Promise<Buffer> {
  for (;;) {
    const bytes: Buffer | null = client.read();
    if (bytes) return bytes;
    if (client.readableEnded || client.destroyed) throw new HungUp();
    await moved(client);
  }
}

function putBack(client: Readable, bytes: Buffer): void {
  if (bytes.length > 0) client.unshift(bytes);
}

const SIGNS = ['readable', 'end', 'close', 'error'] as const;

function moved(client: Readable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const sign of SIGNS) client.off(sign, done);
      resolve();
    };
    for (const sign of SIGNS) client.on(sign, done);
  });
}
