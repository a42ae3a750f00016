/**
 * A record holds one or more frames, one after another. Integers are big-endian.
 *
 *     DATA   0x00  offset u64  length u16  bytes
 *     ACK    0x01  received u64  limit u64
 *     FIN    0x02  offset u64
 *     RESET  0x03  code u8
 *     PING   0x04  id u32
 *     PONG   0x05  id u32
 *     PAD    0x06  length u16  bytes, to be ignored
 *     STOP   0x07
 */
import { type Bytes, Malformed, Reader, Writer } from '../bytes.ts';
import { PuenteError } from '../errors.ts';
import { RECORD_MAX } from '../limits.ts';

/** Where an end stands, as an ACK, a hello or a grant tells its peer. */
export interface Offsets {
  /** Everything before this has been received in order. */
  received: number;
  /** The peer may send everything before this. */
  limit: number;
}

export type Frame =
  | { type: 'data'; offset: number; bytes: Bytes }
  | ({ type: 'ack' } & Offsets)
  | { type: 'fin'; offset: number }
  | { type: 'reset'; code: number }
  | { type: 'ping' | 'pong'; id: number }
  | { type: 'pad'; length: number }
  | { type: 'stop' };

export const DATA_HEADER = 11;
const TYPES = { data: 0, ack: 1, fin: 2, reset: 3, ping: 4, pong: 5, pad: 6, stop: 7 } as const;

// Copying is slow on some processors when the target lies a few bytes past the source, modulo a page: 64 KiB took 50 us
// more (docs/performance.md). BEFORE_DATA has the lengths of the frames that come before DATA in a session's record.
const ALIGNMENT = 64;
const BEFORE_DATA: Partial<Record<Frame['type'], number>> = { ack: 17, pong: 5 };
const scratch = new Uint8Array(RECORD_MAX + ALIGNMENT);

/**
 * The plaintext of one record. Seal it before you encode the next record: all records are encoded in the same memory.
 * On the way to the seal, a DATA frame's bytes are copied only here.
 */
export function encodeFrames(frames: Frame[]): Bytes {
  let dataAt = DATA_HEADER;
  for (const { type } of frames) dataAt += BEFORE_DATA[type] ?? 0;
  const start = ALIGNMENT - (dataAt % ALIGNMENT);
  const writer = new Writer(scratch.subarray(start, start + RECORD_MAX));
  for (const frame of frames) {
    writer.u8(TYPES[frame.type]);
    switch (frame.type) {
      case 'data':
        writer.u64(frame.offset).u16(frame.bytes.length).put(frame.bytes);
        break;
      case 'ack':
        writer.u64(frame.received).u64(frame.limit);
        break;
      case 'fin':
        writer.u64(frame.offset);
        break;
      case 'reset':
        writer.u8(frame.code);
        break;
      case 'ping':
      case 'pong':
        writer.u32(frame.id);
        break;
      case 'pad':
        writer.u16(frame.length).zeros(frame.length);
        break;
      case 'stop':
        break;
    }
  }
  return writer.bytes;
}

/**
 * The frames of one record. DATA is a view into the plaintext.
 * @throws PuenteError `bad-frame` for an empty record, an unknown type, or a frame that ends early.
 */
export function decodeFrames(plaintext: Bytes): Frame[] {
  const reader = new Reader(plaintext);
  const frames: Frame[] = [];
  try {
    do frames.push(decodeFrame(reader));
    while (reader.remaining > 0);
  } catch (error) {
    throw error instanceof Malformed ? new PuenteError('bad-frame') : error;
  }
  return frames;
}

function decodeFrame(reader: Reader): Frame {
  switch (reader.u8()) {
    case TYPES.data:
      return { type: 'data', offset: reader.u64(), bytes: reader.sized16() };
    case TYPES.ack:
      return { type: 'ack', received: reader.u64(), limit: reader.u64() };
    case TYPES.fin:
      return { type: 'fin', offset: reader.u64() };
    case TYPES.reset:
      return { type: 'reset', code: reader.u8() };
    case TYPES.ping:
      return { type: 'ping', id: reader.u32() };
    case TYPES.pong:
      return { type: 'pong', id: reader.u32() };
    case TYPES.pad:
      return { type: 'pad', length: reader.sized16().length };
    case TYPES.stop:
      return { type: 'stop' };
    default:
      throw new Malformed();
  }
}
