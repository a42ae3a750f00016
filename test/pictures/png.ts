/** Pictures of text as small PNGs: Chromium's own are in full colour, which a page of few colours does not need. */
import { deflateSync } from 'node:zlib';
import { png } from '../support/fixtures/png.ts';

/** With a palette of at most 256 colours, where those that are nearly the same are one. */
export function smallPng(width: number, height: number, rgba: Buffer): Buffer {
  for (let bits = 8; bits > 0; bits -= 1) {
    const found = indexed(width, height, rgba, 0xff & (0xff << (8 - bits)));
    if (found) return found;
  }
  throw new Error('A picture of no colours.');
}

function indexed(width: number, height: number, rgba: Buffer, mask: number): Buffer | undefined {
  const palette = new Map<number, number>();
  const colours: number[] = [];
  // Each row begins with its filter; without one, text compresses best.
  const rows = Buffer.alloc((width + 1) * height);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const colour = rgba.readUIntBE(4 * pixel, 3);
    const key = colour & ((mask << 16) | (mask << 8) | mask);
    let index = palette.get(key);
    if (index === undefined) {
      if (palette.size === 256) return undefined;
      index = palette.size;
      palette.set(key, index);
      colours.push(colour >> 16, (colour >> 8) & 0xff, colour & 0xff);
    }
    rows[pixel + 1 + Math.floor(pixel / width)] = index;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3], 8); // bits a pixel, of a palette; the other methods are 0
  return png(['IHDR', header], ['PLTE', Buffer.from(colours)], ['IDAT', deflateSync(rows, { level: 9 })]);
}
