/** What a run has found, for a person and for a program. */
import type { Verdict } from './judge/judge.ts';
import { RULES, type RuleId, rulesOf, type Side } from './judge/rules.ts';
import type { Outcome } from './run.ts';

export interface Row {
  rule: RuleId;
  section: string;
  says: string;
  verdict: Verdict;
  /** The scenarios in which it was broken, and how. */
  why: string[];
}

export const rowsOf = (side: Side, { findings }: Outcome): Row[] =>
  rulesOf(side).map((rule) => {
    const { section, says } = RULES[rule];
    return { rule, section, says, ...findings.of(rule) };
  });

const VERDICTS: Verdict[] = ['kept', 'not seen', 'broken'];

/** What is broken comes last, where a terminal ends. */
export function table(rows: Row[], outcome: Outcome): string {
  const width = Math.max(...rows.map(({ rule }) => rule.length));
  const lines = VERDICTS.flatMap((verdict) => rows.filter((row) => row.verdict === verdict)).flatMap(
    ({ rule, section, says, verdict, why }) => [
      `${verdict.padEnd(8)}  ${rule.padEnd(width)}  ${says} (${section})`,
      ...why.map((one) => `${' '.repeat(10)}${' '.repeat(width)}  ! ${one}`),
    ],
  );
  const left = outcome.left.map(({ scenario, why }) => `  ${scenario}: ${why}\n`).join('');
  const counts = VERDICTS.map((verdict) => `${rows.filter((row) => row.verdict === verdict).length} ${verdict}`).join(
    ', ',
  );
  return `${lines.join('\n')}\n\n${left && `Scenarios that were left:\n${left}\n`}${counts}.\n`;
}
