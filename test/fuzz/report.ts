/** The result of a run: a table, and below it what failed and how to have it again. */
import type { Row } from './watch.ts';

const HEAD = ['target', 'cases', 'seconds', 'heap growth, KiB', 'failures'];

export function table(rows: Row[]): string {
  const cells = rows.map(({ target, cases, seconds, heapGrowth, failures }) => [
    target,
    cases.toLocaleString('en'),
    seconds.toFixed(1),
    heapGrowth === undefined ? '' : Math.round(heapGrowth / 1024).toLocaleString('en'),
    `${failures.length}`,
  ]);
  return [HEAD, ...cells].map(lineOf).join('\n');
}

function lineOf([target = '', ...figures]: string[]): string {
  return target.padEnd(16) + figures.map((figure) => figure.padStart(18)).join('');
}

export function failuresOf({ target, cases, failures }: Row): string {
  return failures
    .map(({ seed, path, report }) => {
      const which = path === undefined ? `--cases ${cases}` : `--path ${path}`;
      return `\n${target}: ${report}\n\nAgain: npm run fuzz -- --only ${target} --seed ${seed} ${which}\n`;
    })
    .join('');
}
