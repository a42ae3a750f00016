import { expect, test } from 'vitest';
import { type Code, FAILURES, PuenteError, refusalOf, resetOf, toWire } from '../../protocol/errors.ts';
import { thrown } from './helpers.ts';

const codes = Object.keys(FAILURES) as Code[];

test('a code travels as its own number and comes back, or does not travel', () => {
  const numbers = new Set<number>();
  for (const code of codes) {
    const wire = FAILURES[code];
    if (wire === 0) {
      expect(thrown(() => toWire(code))).toBeInstanceOf(TypeError);
      continue;
    }
    expect(wire).toBeLessThan(256);
    numbers.add(toWire(code));
    expect([refusalOf(wire), resetOf(wire)]).toEqual(wire < 16 ? [code, undefined] : [undefined, code]);
  }
  expect(numbers.size).toBe(codes.filter((code) => FAILURES[code] !== 0).length);
});

test('a number that nobody has given out is no code; nor is 0, which means granted', () => {
  for (const wire of [0, 15, 200, 255, -1]) expect(refusalOf(wire) ?? resetOf(wire)).toBeUndefined();
});

test('an error has a code to branch on, and a sentence once there are sentences', async () => {
  expect(new PuenteError('full').message).toBe('full');
  const { SENTENCES } = await import('../../protocol/sentences.ts');
  for (const code of codes) {
    const error = new PuenteError(code);
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.message]).toEqual(['PuenteError', code, SENTENCES[code]]);
    expect(new PuenteError(code, 'More.').message).toBe(`${SENTENCES[code]} More.`);
  }
});
