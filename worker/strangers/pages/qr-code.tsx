import encodeQR from 'qr';

/** Modules around the code (ISO/IEC 18004 section 6.3.8). */
const QUIET = 4;

/** A text as a QR code. Black on white in every theme: otherwise a scanner takes the code for its negative. */
export function QrCode({ text, title }: { text: string; title: string }) {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET });
  return (
    <svg class="qr" role="img" aria-label={title} viewBox={`0 0 ${rows.length} ${rows.length}`}>
      <path fill="#fff" d={`M0 0h${rows.length}v${rows.length}H0z`} />
      <path d={rows.map(runsOf).join('')} />
    </svg>
  );
}

/** The dark modules of a row. Each run of dark modules is one rectangle. */
function runsOf(row: boolean[], y: number): string {
  const starts = row.flatMap((dark, x) => (dark && !row[x - 1] ? [x] : []));
  return starts
    .map((x) => {
      const length = row.indexOf(false, x) - x;
      return `M${x} ${y}h${length}v1h-${length}z`;
    })
    .join('');
}
