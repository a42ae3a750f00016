/** The bench runs, and says what it promises; how fast anything is, is not for a test to judge. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { medianRatio, spread } from '../../bench/statistics.ts';
import { run } from '../support/command.ts';

const bench = (...args: string[]) => run('npm', ['run', '--silent', 'bench', '--', ...args]);

/** The median of what one repeat after the other gave: of two, the smaller. */
function middle(of: number[], to: number[]): number {
  expect([of.length, to.length]).toEqual([2, 2]);
  return Math.min(...of.map((sample, at) => sample / (to[at] ?? 0)));
}

test('a ratio is the median of those of the repeats, not that of the medians', () => {
  // 4/1, 3/6 and 8/2: 4; the medians are 4 and 2.
  expect(medianRatio(spread([4, 3, 8]), spread([1, 6, 2]))).toBe(4);
  expect(spread([8, 3, 4])).toEqual({ median: 4, min: 3, max: 8, samples: [8, 3, 4] });
});

test('--json has every contestant, the ratios and the targets', { timeout: 240_000 }, () => {
  const { status, stdout, stderr } = bench('--only', 'echo200,open', '--repeats', '2', '--json');
  expect(status, stderr).toBe(0);
  const result = JSON.parse(stdout);
  for (const figure of [result.echo200, result.open]) {
    for (const { median, min, max } of [figure.floor, figure.tunnel, figure.direct, figure.sealed ?? figure.floor]) {
      expect(min).toBeGreaterThan(0);
      expect(median).toBeGreaterThanOrEqual(min);
      expect(max).toBeGreaterThanOrEqual(median);
    }
    expect(figure.ratio).toBeCloseTo(middle(figure.tunnel.samples, figure.floor.samples));
    expect(figure.cpuRatio).toBeCloseTo(middle(figure.tunnel.cpu.samples, figure.floor.cpu.samples));
    expect(figure.direct.cpu).toBeUndefined();
  }
  expect([result.echo200.sealed, result.open.sealed]).toEqual([expect.anything(), undefined]);
  // Counted, not timed: the app's first bytes ride in the upgrade request.
  expect([result.open.floor.roundTrips, result.open.tunnel.roundTrips]).toEqual([3, 2]);
  expect(result.targets.map(({ figure }: { figure: string }) => figure)).toEqual(['echo200', 'open', 'open']);
  expect(stderr).toContain('round trip of 200 bytes: 2 of 2');
});

test('explains itself, and refuses a figure that it does not have', () => {
  expect(bench('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--json') });
  const { status, stdout, stderr } = bench('--only', 'downwards');
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain('"downwards"');
  expect(bench('--repeats', '0')).toMatchObject({ status: 2, stderr: expect.stringContaining('--repeats') });
});

test('docs/capacity.md has the tables of the last recorded run', () => {
  const { status, stdout } = run('npm', ['run', '--silent', 'capacity']);
  expect(status).toBe(0);
  expect(stdout).toContain('**first**');
  expect(readFileSync(new URL('../../docs/capacity.md', import.meta.url), 'utf8')).toContain(stdout);
});
