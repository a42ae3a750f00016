/** The lab runs, and says what it promises: a short form of it, as the whole takes minutes. */
import { expect, test } from 'vitest';
import { run } from '../support/command.ts';

const lab = (...args: string[]) => run('npm', ['run', '--silent', 'lab', '--', ...args]);

test('--json has what arrived over each relay', { timeout: 120_000 }, () => {
  const { status, stdout, stderr } = lab('--only', 'killed after 300 ms', '--json');
  expect(status, stderr).toBe(0);
  const [puente, tls, ...more] = JSON.parse(stdout);
  expect(more).toEqual([]);
  expect(puente).toMatchObject({ relay: 'puente', passed: true, lost: 0, duplicated: 0 });
  expect(puente.delivered).toBeGreaterThan(256 * 1024);
  expect(puente.carriers).toBeGreaterThan(4);
  expect(puente.recoverMs).toBeGreaterThan(0);
  expect(tls).toMatchObject({ relay: 'tls', passed: false, duplicated: 0, carriers: 2 });
  expect(tls.delivered + tls.lost).toBe(puente.delivered);
});

test('explains itself, and names its scenarios to whoever asks for another', () => {
  expect(lab('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--json') });
  const { status, stdout, stderr } = lab('--only', 'flooded');
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain('a clean path');
});
