import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { type Code, refusalOf, resetOf, TRAVELLING, toWire } from '../../protocol/errors.ts';
import { thrown } from './helpers.ts';

/** The specification's table of numbers: which code each is, and whether it travels in a grant or in a RESET. */
const specified = Array.from(
  readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8').matchAll(
    /^\| (\d+) \| `([a-z-]+)` \| (?:relay|either) \| (grant|RESET)/gm,
  ),
  ([, wire, code, where]) => ({ wire: Number(wire), code: code as Code, where }),
);

test('a code travels as the number that the specification gives it, and comes back', () => {
  expect(specified.length).toBeGreaterThan(15);
  expect(Object.fromEntries(specified.map(({ code, wire }) => [code, wire]))).toEqual(TRAVELLING);
  for (const { code, wire, where } of specified) {
    expect(toWire(code)).toBe(wire);
    expect([refusalOf(wire), resetOf(wire)]).toEqual(where === 'grant' ? [code, undefined] : [undefined, code]);
  }
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
