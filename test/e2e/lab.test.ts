/** The lab runs, and says what it promises: a short form of it, as the whole takes minutes. */
import { expect, test } from 'vitest';
import { run } from '../support/command.ts';

const lab = (...args: string[]) => run('npm', ['run', '--silent', 'lab', '--', ...args]);

test('--json has what arrived over each relay', { timeout: 120_000 }, () => {
  const { status, stdout, stderr } = lab('--only', 'cut by FIN after up to 3 MB', '--json');
  expect(status, stderr).toBe(0);
  const [puente, tls, ...more] = JSON.parse(stdout);
  expect(more).toEqual([]);
  expect(puente).toMatchObject({ relay: 'puente', passed: true, lost: 0, duplicated: 0 });
  expect(puente.delivered).toBe(64 * 2 ** 20);
  expect(puente.carriers).toBeGreaterThan(4);
  expect(puente.recoverMs).toBeGreaterThan(0);
  expect(tls).toMatchObject({ relay: 'tls', passed: false, duplicated: 0, carriers: 1 });
  expect(tls.delivered + tls.lost).toBe(puente.delivered);
});

test('explains itself, and names its scenarios to whoever asks for another', () => {
  expect(lab('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--json') });
  const { status, stdout, stderr } = lab('--only', 'flooded');
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain('a clean path');
});

test('goes on after a scenario that fails, and tells why', () => {
  const script = `
    import { Readable } from 'node:stream';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { told } from './test/lab/told.ts';
    const fine = async () => ({ row: { note: 'kept' }, asExpected: true });
    const blocked = async () => { throw Object.assign(new Error('a sentence'), { code: 'name-blocked' }); };
    const beside = async () => {
      new Readable({ read() {} }).destroy(new Error('of a stream'));
      Promise.reject(new Error('of a promise'));
      await sleep(50);
      return fine();
    };
    const all = [
      await told('blocked', 'puente', blocked),
      await told('beside', 'tls', beside),
      await told('hangs', 'puente', () => new Promise(() => {}), 50),
      await told('fine', 'puente', fine),
    ];
    console.log(JSON.stringify(all.map(({ row, asExpected }) => [row.note, asExpected])));
  `;
  const { status, stdout, stderr } = run(process.execPath, ['--input-type=module', '--eval', script]);
  expect(status, stderr).toBe(0);
  expect(JSON.parse(stdout)).toEqual([
    ['FAILED: name-blocked', false],
    ['FAILED: kept, of a stream, of a promise', false],
    ['FAILED: nothing within 0.05 s', false],
    ['kept', true],
  ]);
  expect(stderr).toMatch(/blocked, puente: .*a sentence/);
});
