import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** Modules of white around a code, as ISO 18004 asks. */
const QUIET = 4;

/** A text as a QR code, always dark on light: some readers read no other. */
export function QrCode({ text, label }: { text: string; label: string }): JSX.Element | null {
  const [rows, setRows] = useState<boolean[][]>();
  useEffect(() => {
    import('qr').then(
      ({ default: encode }) => setRows(encode(text, 'raw', { border: QUIET })),
      // Show no code: the text stands below in any case.
      () => setRows(undefined),
    );
  }, [text]);
  if (!rows) return null;
  const dots = rows.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : '')));
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${rows.length} ${rows.length}`}
      role="img"
      aria-label={label}
      shape-rendering="crispEdges"
    >
      <path d={dots.join('')} />
    </svg>
  );
}
