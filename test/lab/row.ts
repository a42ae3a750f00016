/** What the lab reports, one row for each relay in each scenario. */
import type { Delivery } from './delivery.ts';

export interface Row extends Delivery {
  scenario: string;
  relay: 'puente' | 'tls';
  /** All of it arrived, once. */
  passed: boolean;
  recoverMs: number;
  carriers: number;
  /** The error that the app's socket ended with, and whatever else the scenario is about. */
  note: string;
}

export interface Outcome {
  row: Row;
  asExpected: boolean;
}

const COLUMNS = ['delivered', 'lost', 'duplicated', 'recover ms', 'carriers'];

export const HEAD = `${''.padEnd(64)}${COLUMNS.map((name) => name.padStart(12)).join('')}`;

export function lineOf({
  scenario,
  relay,
  passed,
  delivered,
  lost,
  duplicated,
  recoverMs,
  carriers,
  note,
}: Row): string {
  const cells = [delivered, lost, duplicated, recoverMs, carriers].map((cell) => String(cell).padStart(12));
  return `${scenario.padEnd(48)} ${relay.padEnd(7)} ${passed ? 'arrived' : 'LOST   '}${cells.join('')}  ${note}`.trimEnd();
}
