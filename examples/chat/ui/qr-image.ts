/** Reads a QR code from an image: a screenshot, a photograph. The decoder is loaded when it is needed. */

/**
 * The longer side, in pixels: enough for any code that a telephone shows, and small enough that photographs do not take
 * seconds.
 */
const SIDE_MAX = 1600;
/** Milliseconds. */
const DECODE_TIME = 2000;

/**
 * Returns nothing when the file is no image, or has no code in it.
 * @throws TypeError when the decoder cannot be loaded
 */
export async function readQr(file: Blob): Promise<string | undefined> {
  const { default: decode } = await import('qr/decode.js');
  try {
    return decode(await pixelsOf(file), { timeLimit: DECODE_TIME });
  } catch {
    return undefined;
  }
}

async function pixelsOf(file: Blob): Promise<ImageData> {
  const image = await createImageBitmap(file);
  const scale = Math.min(1, SIDE_MAX / Math.max(image.width, image.height));
  const [width, height] = [Math.ceil(image.width * scale), Math.ceil(image.height * scale)];
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  // Transparent parts would be black.
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0, width, height);
  image.close();
  return context.getImageData(0, 0, width, height);
}
