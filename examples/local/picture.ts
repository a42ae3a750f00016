/** A picture to send: a real PNG, of noise, which nothing can make smaller. */
import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { png } from './png.ts';

/** A square in 24-bit colour, in `size` bytes or slightly more. */
export function noisePicture(size: number): Buffer {
  const side = Math.ceil(Math.sqrt(size / 3));
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2], 8); // bits a channel, red green blue; the other methods are 0
  const rows = Array.from({ length: side }, () => Buffer.concat([Buffer.of(0), randomBytes(3 * side)]));
  const pixels = deflateSync(Buffer.concat(rows), { level: 0 });
  return png(['IHDR', header], ['IDAT', pixels]);
}
