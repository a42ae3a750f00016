/** The bench's results: the targets that they must reach, as a table, as JSON. */
import { WINDOW_MAX } from '../protocol/limits.ts';
import type { Figure, Result } from './figures.ts';
import type { Name } from './lab.ts';
import { medianRatio } from './statistics.ts';

export type Key = 'down' | 'up' | 'down8' | 'up8' | 'echo200' | 'echo1400' | 'open' | 'idle' | 'stalled';
export type Figures = Partial<Record<Key, Figure>>;

export interface Target {
  figure: Key;
  what: string;
  bound: number;
  atLeast: boolean;
  value: number;
  met: boolean;
}

type Value = (figure: Figure) => number | undefined;

const ratio: Value = ({ results: { tunnel, floor } }) => tunnel && floor && medianRatio(tunnel, floor);
const cpuRatio: Value = ({ results: { tunnel, floor } }) =>
  tunnel?.cpu && floor?.cpu && medianRatio(tunnel.cpu, floor.cpu);

/** MiB: two windows, and 8 for the kernel's buffers and the runtime. */
const STALLED_MAX = (2 * WINDOW_MAX) / 1024 ** 2 + 8;

const TARGETS: [Key, string, 'at least' | 'at most', number, Value][] = [
  ['down', 'throughput of the floor', 'at least', 0.7, ratio],
  ['up', 'throughput of the floor', 'at least', 0.8, ratio],
  ['down', 'CPU per MiB of the floor', 'at most', 1.5, cpuRatio],
  ['up', 'CPU per MiB of the floor', 'at most', 1.35, cpuRatio],
  ['echo200', 'median of the floor', 'at most', 1.8, ratio],
  ['echo1400', 'median of the floor', 'at most', 1.8, ratio],
  // TLS takes one round trip, and the upgrade, which brings the answer, takes another. GET over HTTPS takes as many.
  ['open', 'round trips, TLS included', 'at most', 2, ({ results: { tunnel } }) => tunnel?.roundTrips],
  ['open', 'CPU per session of the floor', 'at most', 2, cpuRatio],
  ['idle', 'memory of the floor', 'at most', 1.5, ratio],
  ['stalled', 'MiB', 'at most', STALLED_MAX, ({ results: { tunnel } }) => tunnel?.median],
];

export function targets(figures: Figures): Target[] {
  return TARGETS.flatMap(([key, what, kind, bound, measure]) => {
    const figure = figures[key];
    const value = figure && measure(figure);
    if (value === undefined) return [];
    const atLeast = kind === 'at least';
    return [{ figure: key, what, bound, atLeast, value, met: atLeast ? value >= bound : value <= bound }];
  });
}

/** The figures with their ratios: `{ floor, sealed?, tunnel, hub, direct?, haproxy?, ratio, cpuRatio }` by key. */
export function asJson(figures: Figures): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(figures).map(([key, figure]) => {
      const { title, unit, cpuUnit, results } = figure;
      return [key, { title, unit, cpuUnit, ...results, ratio: ratio(figure), cpuRatio: cpuRatio(figure) }];
    }),
  );
}

const NAMES: Name[] = ['floor', 'sealed', 'tunnel', 'hub', 'direct', 'haproxy'];

export function table(figures: Figures): string {
  const head = ['', ...NAMES, 'tunnel : floor'];
  const rows = Object.values(figures).flatMap((figure) => [
    [`${figure.title}, ${figure.unit}`, ...NAMES.map((name) => shown(figure.results[name])), times(ratio(figure))],
    ...detail(figure, '  99th percentile', ({ p99 }) => p99),
    ...detail(figure, `  relay's CPU, ${figure.cpuUnit}`, ({ cpu }) => cpu, times(cpuRatio(figure))),
    ...(figure.results.tunnel?.roundTrips === undefined
      ? []
      : [['  round trips, TLS included', ...NAMES.map((name) => String(figure.results[name]?.roundTrips ?? '')), '']]),
  ]);
  return aligned([head, ...rows]);
}

function detail(figure: Figure, title: string, of: (result: Result) => Result['cpu'], last = ''): string[][] {
  const cells = NAMES.map((name) => {
    const result = figure.results[name];
    return shown(result && of(result));
  });
  return cells.some((cell) => cell !== '') ? [[title, ...cells, last]] : [];
}

function shown(spread: { median: number; min: number; max: number } | undefined): string {
  if (!spread) return '';
  const { median, min, max } = spread;
  return `${short(median)} (${short(min)}-${short(max)})`;
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

function times(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(2);
}

function aligned(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: string[]) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

export function verdict(reached: Target[]): string {
  return reached
    .map(({ figure, what, bound, atLeast, value, met }) => {
      const wanted = `${atLeast ? 'at least' : 'at most'} ${bound}`;
      return `${met ? 'reached' : 'MISSED '}  ${figure.padEnd(8)}  ${value.toFixed(2).padStart(6)}  ${wanted} ${what}`;
    })
    .join('\n');
}
