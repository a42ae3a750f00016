/** What a picture of a page shows, by the browser's own decoder. */
import type { Page } from 'playwright-core';

export interface Pixels {
  width: number;
  height: number;
  /** Red, green, blue and alpha of each pixel, row by row. */
  data: Buffer;
}

export async function pixelsOf(page: Page, png: Buffer): Promise<Pixels> {
  const { pixels, ...size } = await page.evaluate(async (text) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(text), (char) => char.charCodeAt(0))]));
    const { width, height } = image;
    const canvas = new OffscreenCanvas(width, height).getContext('2d');
    canvas?.drawImage(image, 0, 0);
    const drawn = canvas?.getImageData(0, 0, width, height).data ?? [];
    return { width, height, pixels: Array.from(drawn, (byte) => String.fromCharCode(byte)).join('') };
  }, png.toString('base64'));
  return { ...size, data: Buffer.from(pixels, 'latin1') };
}
