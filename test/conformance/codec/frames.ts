/** Frames (section 8), and the numbers of RESET (section 14). */
import { Malformed, Reader, sized16, u8, u32, u64 } from './bytes.ts';

export type Frame =
  | { type: 'data'; offset: number; bytes: Buffer }
  | { type: 'ack'; received: number; limit: number }
  | { type: 'fin'; offset: number }
  | { type: 'reset'; code: number }
  | { type: 'ping' | 'pong'; id: number }
  | { type: 'pad'; bytes: Buffer }
  | { type: 'stop' };

export const TYPES = ['data', 'ack', 'fin', 'reset', 'ping', 'pong', 'pad', 'stop'] as const;

export const RESETS = {
  aborted: 17,
  'backend-reset': 18,
  'bad-record': 19,
  'bad-frame': 20,
  'bad-offset': 21,
  'bad-credit': 22,
  flood: 23,
  silent: 24,
  'key-exhausted': 25,
  plaintext: 26,
  idle: 27,
} as const;

export type Reset = keyof typeof RESETS;

export const resetName = (code: number): string =>
  Object.entries(RESETS).find(([, number]) => number === code)?.[0] ?? String(code);

export const encodeFrames = (frames: Frame[]): Buffer => Buffer.concat(frames.map(encodeFrame));

function encodeFrame(frame: Frame): Buffer {
  return Buffer.concat([u8(TYPES.indexOf(frame.type)), ...fieldsOf(frame)]);
}

function fieldsOf(frame: Frame): Buffer[] {
  switch (frame.type) {
    case 'data':
      return [u64(frame.offset), sized16(frame.bytes)];
    case 'ack':
      return [u64(frame.received), u64(frame.limit)];
    case 'fin':
      return [u64(frame.offset)];
    case 'reset':
      return [u8(frame.code)];
    case 'ping':
    case 'pong':
      return [u32(frame.id)];
    case 'pad':
      return [sized16(frame.bytes)];
    case 'stop':
      return [];
  }
}

/** @throws Malformed where it is not one or more whole frames */
export function decodeFrames(plaintext: Buffer): Frame[] {
  const reader = new Reader(plaintext);
  const frames: Frame[] = [];
  do frames.push(decodeFrame(reader));
  while (reader.left > 0);
  return frames;
}

function decodeFrame(reader: Reader): Frame {
  const number = reader.u8();
  const type = TYPES[number];
  switch (type) {
    case 'data':
      return { type, offset: reader.u64(), bytes: reader.sized16(65_535) };
    case 'ack':
      return { type, received: reader.u64(), limit: reader.u64() };
    case 'fin':
      return { type, offset: reader.u64() };
    case 'reset':
      return { type, code: reader.u8() };
    case 'ping':
    case 'pong':
      return { type, id: reader.u32() };
    case 'pad':
      return { type, bytes: reader.sized16(65_535) };
    case 'stop':
      return { type };
    default:
      throw new Malformed(`a frame has the type ${number}`);
  }
}
