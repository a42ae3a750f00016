/**
 * The bytes on the wire between the page and the server's front, the same for both ends. They have the shape of
 * WhatsApp's bytes. So a relay lets them pass for a backend `whatsapp://host:port`, and the check knows the answer.
 * First come `WA` and a version. Then come frames, each with three bytes of length before it: the two messages of a
 * Noise handshake as protocol buffers, and sealed records after them.
 */
import { type Bytes, concat, EMPTY, Malformed, Reader, toUtf8, Writer } from 'puente/bytes';
import type { Transport } from 'puente/noise';
import type { Incoming } from './incoming.ts';

/** Differs from the relay's prologue, so that a message of one protocol never opens in the other. */
export const PROLOGUE = toUtf8('puente example chat/1');

export const HEADER = Uint8Array.of(0x57, 0x41, 1, 0);

/** The longest record in bytes, with its tag of 16 bytes. Longer content goes in several records. */
export const RECORD_MAX = 16_384;
const TAG = 16;

export function framed(bytes: Bytes): Bytes {
  const frame = new Writer(new Uint8Array(3 + bytes.length));
  return frame
    .u8(bytes.length >>> 16)
    .u16(bytes.length)
    .put(bytes).bytes;
}

/**
 * Takes a frame; nothing at the stream's end.
 * @throws Malformed for a frame that is longer than any record
 */
export async function takeFrame(incoming: Incoming): Promise<Bytes | undefined> {
  const header = await incoming.take(3);
  if (!header) return undefined;
  const reader = new Reader(header);
  const length = reader.u8() * 2 ** 16 + reader.u16();
  if (length > RECORD_MAX) throw new Malformed();
  return incoming.take(length);
}

// --- the handshake's two messages ---------------------------------------------------------------------------------

/** Tags of protocol buffers: a field's number, times 8, plus 2 for a field with its length before it. */
export const CLIENT_HELLO = 0x12;
export const SERVER_HELLO = 0x1a;
const EPHEMERAL = 0x0a;
const PAYLOAD = 0x1a;

/** The largest length in one byte of protocol buffers. */
const LENGTH_MAX = 127;

/** @param message as Noise writes it: an ephemeral key, 32 bytes, and a sealed payload */
export function encodeHandshake(tag: number, message: Bytes): Bytes {
  return field(tag, concat(field(EPHEMERAL, message.subarray(0, 32)), field(PAYLOAD, message.subarray(32))));
}

/** @throws Malformed */
export function decodeHandshake(tag: number, bytes: Bytes): Bytes {
  const outer = new Reader(bytes);
  if (outer.u8() !== tag) throw new Malformed();
  const fields = new Reader(outer.sized8(LENGTH_MAX));
  let message = EMPTY;
  while (fields.remaining > 0) {
    const name = fields.u8();
    const value = fields.sized8(LENGTH_MAX);
    if (name === EPHEMERAL || name === PAYLOAD) message = concat(message, value);
  }
  return message;
}

function field(tag: number, value: Bytes): Bytes {
  return new Writer(new Uint8Array(2 + value.length)).u8(tag).sized8(value, LENGTH_MAX).bytes;
}

// --- records ------------------------------------------------------------------------------------------------------

export async function* sealed(bytes: Bytes, transport: Transport): AsyncGenerator<Bytes> {
  for (let at = 0; at < bytes.length; at += RECORD_MAX - TAG)
    yield framed(await transport.seal(bytes.subarray(at, at + RECORD_MAX - TAG)));
}

/** Yields all content that the peer sends, until the end of the stream. Throws for a record that does not open. */
export async function* opened(incoming: Incoming, transport: Transport): AsyncGenerator<Bytes> {
  for (let record = await takeFrame(incoming); record; record = await takeFrame(incoming)) yield transport.open(record);
}
