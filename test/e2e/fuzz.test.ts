/** What `npm run fuzz` promises; its cases, a few of them, are in test/protocol. */
import { expect, test } from 'vitest';
import { run } from '../support/command.ts';

// As the script says, which npm takes half a second to read.
const fuzz = (...args: string[]) => run(process.execPath, ['test/fuzz/main.ts', ...args]);

test('--json has a row for each target', () => {
  const npm = (...args: string[]) => run('npm', ['run', '--silent', 'fuzz', '--', ...args]);
  const { status, stdout, stderr } = npm('--cases', '300', '--seed', '7', '--only', 'frames,grant', '--json');
  expect(status, stderr).toBe(0);
  const { seed, cases, rows } = JSON.parse(stdout);
  expect([seed, cases]).toEqual([7, 301]);
  expect(rows).toMatchObject([
    { target: 'grant', cases: 106, failures: [] },
    { target: 'frames', cases: 195, failures: [] },
  ]);
});

test('explains itself, and refuses what it does not have', () => {
  expect(fuzz('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('sealed-hello') });
  for (const wrong of [
    ['--only', 'frame'],
    ['--cases', '0'],
    ['--path', '3'],
    ['--seed', 'x'],
    ['--case', '1'],
  ]) {
    const { status, stdout, stderr } = fuzz(...wrong);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(wrong[0]);
  }
});
