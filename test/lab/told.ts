/** A scenario that fails is a row like any other: it tells why, and the next one is run. */
import { inspect } from 'node:util';
import type { Outcome, Row } from './row.ts';

/** Five minutes for the longest traffic, and what is around it. */
const DEADLINE = 7 * 60_000;

/**
 * Runs a scenario. It has failed, too, when an error is caught by nobody meanwhile, such as one of a stream.
 * @param deadline milliseconds for all of it; a scenario that hangs is left as it is
 */
export async function told(
  scenario: string,
  relay: Row['relay'],
  run: () => Promise<Outcome>,
  deadline = DEADLINE,
): Promise<Outcome> {
  const failures: unknown[] = [];
  const failed = (error: unknown) => void failures.push(error);
  // Node reports a rejection that nobody handles here, too.
  process.on('uncaughtException', failed);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing within ${deadline / 1000} s`)), deadline);
  });
  const nothing = { delivered: 0, lost: 0, duplicated: 0, recoverMs: 0, carriers: 0, note: '' };
  let outcome: Outcome = { row: { scenario, relay, passed: false, ...nothing }, asExpected: false };
  try {
    outcome = await Promise.race([run(), late]);
  } catch (error) {
    failed(error);
  } finally {
    clearTimeout(timer);
    process.off('uncaughtException', failed);
  }
  if (failures.length === 0) return outcome;
  for (const error of failures) process.stderr.write(`${scenario}, ${relay}: ${inspect(error)}\n`);
  const note = [outcome.row.note, ...new Set(failures.map(reasonOf))].filter(Boolean).join(', ');
  return { row: { ...outcome.row, note: `FAILED: ${note}` }, asExpected: false };
}

/** A code, where there is one: it is shorter than the sentence for people. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message ?? String(error);
}
