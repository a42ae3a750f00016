/** Runs scenarios, some at a time, and keeps what they find. */
import { Findings, Judge, Over } from './judge/judge.ts';
import { openings } from './scenarios/client-opening.ts';
import { resuming } from './scenarios/client-resuming.ts';
import { credit } from './scenarios/credit.ts';
import { ends } from './scenarios/ends.ts';
import { admission } from './scenarios/relay-admission.ts';
import { held } from './scenarios/relay-resuming.ts';
import { strangers } from './scenarios/relay-strangers.ts';
import { resumes } from './scenarios/resume.ts';
import { streams } from './scenarios/streams.ts';
import { wrong } from './scenarios/wrong.ts';
import { ClientTrial, type StartClient } from './trial/client-trial.ts';
import { RelayTrial } from './trial/relay-trial.ts';
import type { Target } from './trial/target.ts';
import type { Scenario, Trial } from './trial/trial.ts';

const shared: Scenario<Trial>[] = [...streams, ...credit, ...wrong, ...ends, ...resumes];
export const clientScenarios: Scenario<ClientTrial>[] = [...resuming, ...openings, ...shared];
export const relayScenarios: Scenario<RelayTrial>[] = [...admission, ...held, ...shared, ...strangers];

/** What a scenario could not look at. */
export interface Left {
  scenario: string;
  why: string;
}

export interface Outcome {
  findings: Findings;
  left: Left[];
}

export interface RunOptions {
  /** At a time. */
  most: number;
  /** See `Trial`. */
  patience: number;
  /** Is told of each scenario that has ended. */
  done(scenario: string): void;
}

type Closing<T> = T & { close(): Promise<void> };

async function runAll<T extends Trial>(
  scenarios: Scenario<T>[],
  trialOf: (judge: Judge) => Closing<T>,
  { most, done }: RunOptions,
): Promise<Outcome> {
  const findings = new Findings();
  const left: Left[] = [];
  const waiting = [...scenarios];
  const run = async ({ name, run }: Scenario<T>) => {
    const judge = new Judge(findings, name);
    const trial = trialOf(judge);
    try {
      await run(trial);
    } catch (error) {
      if (!(error instanceof Over)) throw error;
      if (!judge.hasBroken) left.push({ scenario: name, why: error.message });
    } finally {
      judge.over ??= 'it has ended';
      await trial.close();
      done(name);
    }
  };
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await run(next);
  };
  await Promise.all(Array.from({ length: most }, worker));
  return { findings, left };
}

export const testClient = (
  scenarios: Scenario<ClientTrial>[],
  start: StartClient,
  options: RunOptions,
): Promise<Outcome> => runAll(scenarios, (judge) => new ClientTrial(judge, start, options.patience), options);

export const testRelay = (scenarios: Scenario<RelayTrial>[], target: Target, options: RunOptions): Promise<Outcome> =>
  runAll(scenarios, (judge) => new RelayTrial(judge, target, options.patience), options);
