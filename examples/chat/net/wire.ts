/**
 * What stands on the wire between the page and the server's front, the same for both ends. It is shaped as WhatsApp's, so that
 * a relay lets it pass for a backend `whatsapp://host:port`, and the check knows its answer: `WA` and a version; then frames, three
 * bytes of length before each: the two messages of a Noise handshake as protocol buffers, and sealed records after them.
 */
import { type Bytes, concat, EMPTY, Malformed, Reader, toUtf8, Writer } from 'puente/bytes';
import type { Transport } from 'puente/noise';
import type { Incoming } from './incoming.ts';

/** Not the relay's, so that a message of one protocol never opens in the other. */
export const PROLOGUE = toUtf8('puente example chat/1');

export const HEADER = Uint8Array.of(0x57, 0x41, 1, 0);

/** Bytes of a record, its 16 of tag included. What is longer goes in several. */
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
 * Nothing at the stream's end.
 * @throws Malformed for a frame that is longer than any
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

/** Tags of protocol buffers: a field's number, times 8, and 2 for one that has its length before it. */
export const CLIENT_HELLO = 0x12;
export const SERVER_HELLO = 0x1a;
const EPHEMERAL = 0x0a;
const PAYLOAD = 0x1a;

/** A length of one byte, as protocol buffers write it. */
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

/** All that the peer sends, until it ends; throws for a record that does not open. */
export async function* opened(incoming: Incoming, transport: Transport): AsyncGenerator<Bytes> {
  for (let record = await takeFrame(incoming); record; record = await takeFrame(incoming)) yield transport.open(record);
}
