/** Three ClientHellos a minute. */
import { expect, it } from 'vitest';
import { budgetOf, SearchBudget } from '../../client/node/dialer/budget.ts';

it('is spent after three, and has one more a minute after each', () => {
  let now = 1000;
  const budget = new SearchBudget(() => now);
  const spent = () => budget.isSpent;
  for (const at of [1000, 11_000, 21_000]) {
    now = at;
    expect(spent()).toBe(false);
    budget.spend();
  }
  expect(spent()).toBe(true);
  now = 60_999;
  expect(spent()).toBe(true);
  now = 61_000;
  expect(spent()).toBe(false);
  budget.spend();
  expect(spent()).toBe(true);
  now = 71_000;
  expect(spent()).toBe(false);
});

it('gets back what was said for nothing, once', () => {
  const budget = new SearchBudget(() => 0);
  const takeBack = budget.spend();
  budget.spend();
  budget.spend();
  expect(budget.isSpent).toBe(true);
  takeBack();
  expect(budget.isSpent).toBe(false);
});

it('is one for each name', () => {
  expect(budgetOf('relay.example')).toBe(budgetOf('relay.example'));
  expect(budgetOf('relay.example')).not.toBe(budgetOf('other.example'));
});
