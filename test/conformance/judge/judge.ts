/** What a scenario has to say of rules: kept, broken, or not seen. The first rule that is broken ends its scenario. */
import type { RuleId } from './rules.ts';

/** Ends a scenario: its rule is broken, or what it needs is not there. */
export class Over extends Error {}

export type Verdict = 'kept' | 'broken' | 'not seen';

export class Findings {
  readonly #kept = new Set<RuleId>();
  readonly #broken = new Map<RuleId, string[]>();

  kept(rule: RuleId): void {
    this.#kept.add(rule);
  }

  broken(rule: RuleId, why: string): void {
    this.#broken.set(rule, [...(this.#broken.get(rule) ?? []), why]);
  }

  of(rule: RuleId): { verdict: Verdict; why: string[] } {
    const why = this.#broken.get(rule);
    if (why) return { verdict: 'broken', why };
    return { verdict: this.#kept.has(rule) ? 'kept' : 'not seen', why: [] };
  }
}

export class Judge {
  readonly #findings: Findings;
  readonly #scenario: string;
  /** Why it is over, once it is. */
  over: string | undefined;
  hasBroken = false;

  constructor(findings: Findings, scenario: string) {
    this.#findings = findings;
    this.#scenario = scenario;
  }

  /** Says whether it holds, at any time; a scenario notices at its next wait that it is over. */
  readonly rule = (rule: RuleId, holds: boolean, why = ''): void => {
    if (this.over !== undefined) return;
    if (holds) return this.#findings.kept(rule);
    this.hasBroken = true;
    this.over = `${rule} is broken`;
    this.#findings.broken(rule, `${this.#scenario}: ${why}`);
  };

  /** The same, where the scenario cannot go on without it. */
  must(rule: RuleId, holds: boolean, why: string): void {
    this.rule(rule, holds, why);
    this.goesOn();
  }

  /** Nothing can be said of what comes next. */
  leave(why: string): never {
    this.over ??= why;
    throw new Over(this.over);
  }

  goesOn(): void {
    if (this.over !== undefined) throw new Over(this.over);
  }

  /** Whether it holds before `ms` have passed. */
  async within(ms: number, holds: () => boolean): Promise<boolean> {
    const deadline = performance.now() + ms;
    for (;;) {
      this.goesOn();
      if (holds()) return true;
      if (performance.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** A time in which what must not happen would. */
  async pause(ms: number): Promise<void> {
    await this.within(ms, () => false);
  }
}
