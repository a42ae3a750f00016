/**
 * Masks the messages of a WebSocket's client word by word. `ws` masks them byte by byte, which was more than half of
 * the cost of an upload in the client's process. Masking by words takes an eighth of that (docs/decisions.md, 48).
 */
import type { Bytes } from '../../protocol/bytes.ts';

/** Shorter messages have a shorter header; `ws` masks those just as well. */
export const MASKED_MIN = 126;

/** Two bytes, the length as u16, the mask. */
const HEADER = 8;
const BINARY_AND_FINAL = 0x82;
const MASKED = 0x80;
/** In place of a length: the length is a u16, and follows. */
const U16_FOLLOWS = 126;

/** Masks for a thousand messages at once: even four random bytes take a system call. */
const masks = new Uint32Array(1024);
let masksUsed = masks.length;

function nextMask(): number {
  if (masksUsed === masks.length) {
    crypto.getRandomValues(masks);
    masksUsed = 0;
  }
  return masks[masksUsed++] as number;
}

/**
 * A binary message as one frame on the wire (RFC 6455 sections 5.2 and 5.3), in memory of its own. The memory must stay
 * as it is until the socket has written the frame.
 * @param message MASKED_MIN to 65,535 bytes, which are only read
 */
export function masked(message: Bytes): Bytes {
  const { length } = message;
  // Not zeroed.
  const memory = Buffer.allocUnsafeSlow(HEADER + length).buffer;
  const words = new Uint32Array(memory, 0, memory.byteLength >>> 2);
  const bytes = new Uint8Array(memory);
  bytes[0] = BINARY_AND_FINAL;
  bytes[1] = MASKED | U16_FOLLOWS;
  bytes[2] = length >>> 8;
  bytes[3] = length;
  const mask = nextMask();
  words[1] = mask;
  bytes.set(message, HEADER);
  for (let at = HEADER / 4; at < words.length; at += 1) words[at] = (words[at] as number) ^ mask;
  for (let at = 4 * words.length; at < bytes.length; at += 1)
    bytes[at] = (bytes[at] as number) ^ (bytes[4 + (at % 4)] as number);
  return bytes;
}
