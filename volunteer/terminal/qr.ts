/** A link as a QR code in a terminal. */
import encodeQR from 'qr';

// Black on white, in colours of the 256 that no theme changes. A dark terminal needs them too: a scanner would take the
// code for its negative.
const BLACK_ON_WHITE = '\x1b[38;5;16;48;5;231m';
const RESET = '\x1b[0m';

/** Modules around the code (ISO/IEC 18004 section 6.3.8). */
const QUIET = 4;

/** Two modules to a character, one above the other. */
export function drawQr(text: string): string {
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: QUIET });
  const pairs = Array.from({ length: Math.ceil(rows.length / 2) }, (_, index) => [
    rows[2 * index],
    rows[2 * index + 1],
  ]);
  const lines = pairs.map(([upper = [], lower = []]) =>
    upper.map((dark, x) => block(dark, lower[x] ?? false)).join(''),
  );
  return `${lines.map((line) => `${BLACK_ON_WHITE}${line}${RESET}`).join('\n')}\n`;
}

function block(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀';
  return lower ? '▄' : ' ';
}
