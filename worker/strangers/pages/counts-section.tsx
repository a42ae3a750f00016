import type { PublicCounts } from '../../counters/counters.ts';
import type { Language } from './language.ts';

/** Shows nothing if nothing is counted. */
export function CountsSection({ counts, language }: { counts: PublicCounts | undefined; language: Language }) {
  if (!counts) return null;
  const { tag, words } = language;
  const days = new Intl.NumberFormat(tag, { style: 'unit', unit: 'day', unitDisplay: 'long' });
  const number = new Intl.NumberFormat(tag);
  const rows: [string, string][] = [
    [words.counts.period, days.format(counts.days)],
    [words.counts.sessions, number.format(counts.sessions)],
    [words.counts.bytes, formatBytes(counts.bytes, tag)],
    [words.counts.refused, number.format(counts.refused)],
  ];
  return (
    <section aria-labelledby="counts-heading">
      <h2 id="counts-heading">{words.counts.heading}</h2>
      <dl>
        {rows.map(([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class="note">{words.counts.about}</p>
    </section>
  );
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** Uses the largest unit of which there is at least one. */
function formatBytes(bytes: number, tag: string): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const options = { style: 'unit', unit: UNITS[power], maximumSignificantDigits: 3 } as const;
  return new Intl.NumberFormat(tag, options).format(bytes / 1000 ** power);
}
