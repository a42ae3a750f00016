/** Runs cases of a target, and says of one that fails how to have it again. */
import fc from 'fast-check';
import type { Target } from './target.ts';

/** Cases that follow from one seed; the next have the next seed. */
export const BATCH = 1000;

export interface Failure {
  seed: number;
  /** Where it is among the cases of that seed, in fast-check's notation; none where all of them fail together. */
  path?: string | undefined;
  /** The smallest case like it that was found, and what is wrong with it. */
  report: string;
}

export interface Batch {
  seed: number;
  cases: number;
  /** Only the case there. */
  path?: string | undefined;
}

/** @param began is told of each case by its number; after one that fails, of each smaller one under that number. */
export async function runBatch(
  target: Target,
  { seed, cases, path }: Batch,
  began: (number: number) => void = () => {},
): Promise<Failure | undefined> {
  let number = -1;
  let hasFailed = false;
  const property = fc.asyncProperty(target.cases, async (one) => {
    if (!hasFailed) number += 1;
    began(number);
    try {
      await settled(target.run(one));
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  });
  process.on('unhandledRejection', onRejection);
  const options = path === undefined ? { numRuns: cases } : { numRuns: 1, path, endOnFailure: true };
  const details = await fc.check(property, { seed, ...options });
  process.off('unhandledRejection', onRejection);
  if (!details.failed) return undefined;
  const { counterexample, counterexamplePath, errorInstance } = details;
  const error = errorInstance instanceof Error ? errorInstance.stack : errorInstance;
  return { seed, path: counterexamplePath ?? undefined, report: `${fc.stringify(counterexample?.[0])}\n${error}` };
}

const rejections: unknown[] = [];
const onRejection = (reason: unknown) => void rejections.push(reason);

/** Rejects also where it has left a rejection to nobody. */
async function settled(running: Promise<void> | void): Promise<void> {
  if (!running) return;
  await running;
  // Only then does Node tell of it.
  await new Promise(setImmediate);
  if (rejections.length > 0) throw rejections.splice(0)[0];
}
