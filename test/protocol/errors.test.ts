import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { type Code, refusalOf, resetOf, TRAVELLING, toWire } from '../../protocol/errors.ts';
import { thrown } from './helpers.ts';

const travelling = Object.entries(TRAVELLING) as [Code, number][];

test('a code travels as its own number and comes back', () => {
  for (const [code, wire] of travelling) {
    expect(wire).toBeGreaterThan(0);
    expect(wire).toBeLessThan(256);
    expect(toWire(code)).toBe(wire);
    expect([refusalOf(wire), resetOf(wire)]).toEqual(wire < 16 ? [code, undefined] : [undefined, code]);
  }
  expect(new Set(travelling.map(([, wire]) => wire)).size).toBe(travelling.length);
});

test('what only one end can know does not travel', () => {
  expect(thrown(() => toWire('unreachable'))).toBeInstanceOf(TypeError);
});

test('a number that nobody has given out is no code; nor is 0, which means granted', () => {
  for (const wire of [0, 15, 200, 255, -1]) expect(refusalOf(wire) ?? resetOf(wire)).toBeUndefined();
});

test('an error has a code to branch on, and a sentence once there are sentences', async () => {
  // Another test of this process may have brought the sentences in.
  vi.resetModules();
  const { PuenteError } = await import('../../protocol/errors.ts');
  expect(new PuenteError('full').message).toBe('full');
  expect(new PuenteError('link-invalid', 'not-a-key').message).toBe('link-invalid not-a-key');
  const { SENTENCES } = await import('../../protocol/sentences.ts');
  for (const code of Object.keys(SENTENCES) as Code[]) {
    const error = new PuenteError(code);
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.message]).toEqual(['PuenteError', code, SENTENCES[code]]);
    expect(new PuenteError(code, 'Some more.').message).toBe(`${SENTENCES[code]} Some more.`);
  }
  expect(new PuenteError('link-invalid', 'not-a-key').message).toMatch(/link.*\. What follows the # has no key/);
});

test('docs/errors.md has every code, with its sentence and its step', async () => {
  const { SENTENCES } = await import('../../protocol/sentences.ts');
  const { NEXT_STEPS } = await import('../../client/check/next-steps.ts');
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const written = Array.from(page.matchAll(/^\| `([a-z-]+)` \| ([A-Z].*) \| ([A-Z].*) \|$/gm), ([, ...cells]) => cells);
  const codes = Object.keys(SENTENCES) as Code[];
  expect(written.sort()).toEqual(codes.map((code) => [code, SENTENCES[code], NEXT_STEPS[code]]).sort());
});
