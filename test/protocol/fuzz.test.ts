/** A short form of `npm run fuzz`; and that it finds what fails. */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runBatch } from '../fuzz/run.ts';
import type { Target } from '../fuzz/target.ts';
import { targets } from '../fuzz/targets.ts';

describe('a few cases of each target', () => {
  test.each(targets)('$name', { timeout: 60_000 }, async (target) => {
    const seed = randomInt(2 ** 31);
    expect(await runBatch(target, { seed, cases: 50 * target.weight })).toBeUndefined();
  });
});

describe('a case that fails', () => {
  const fault = (many: number[]) => {
    if (many.length > 3) throw new Error('more than three');
  };
  const ways: [how: string, run: Target<number[]>['run']][] = [
    ['throws', fault],
    ['rejects', async (many) => fault(many)],
    [
      'leaves a rejection to nobody',
      async (many) => {
        void Promise.resolve(many).then(fault);
      },
    ],
  ];

  test.each(ways)('%s: made smaller, and found again by its seed and path', async (_how, run) => {
    const target: Target<number[]> = { name: 'few', weight: 1, cases: fc.array(fc.nat()), run };
    const failure = await runBatch(target as Target, { seed: 1, cases: 1000 });
    expect(failure?.report).toContain('more than three');
    expect(failure?.report).toContain('[0,0,0,0]');
    const again = await runBatch(target as Target, { seed: 1, cases: 1, path: failure?.path });
    expect(again?.report).toContain('[0,0,0,0]');
  });
});
