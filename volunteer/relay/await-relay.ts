/** Waits after an upload until the relay works: names and certificates take a while to go around. */
import { setTimeout as wait } from 'node:timers/promises';
import { summary } from '../../client/cli/check.ts';
import { check } from '../../client/node/index.ts';
import type { Code } from '../../protocol/errors.ts';
import { type BackendTable, checkable } from '../../worker/admission/backends.ts';

/** Milliseconds. */
const PATIENCE = 180_000;
const PAUSE = 3000;

/** The codes of a relay that is still on its way, also of a relay that takes the place of another. */
const MAY_PASS: readonly (Code | null)[] = [
  'name-unknown',
  'name-blocked',
  'refused',
  'no-answer',
  'not-trusted',
  'unreachable',
  'not-a-relay',
  'no-key',
  'wrong-key',
  'not-admitted',
  'backend-not-allowed',
];

/** Checks the relay until it works, or is sure not to work. Prints how the check ended. */
export async function untilItWorks(link: string, backends: BackendTable): Promise<boolean> {
  const backend = checkable(backends);
  const deadline = Date.now() + PATIENCE;
  process.stdout.write('Waiting until it works, for three minutes at most.\n');
  for (;;) {
    const { relays } = await check(link, backend ? { backend } : {});
    const [report] = relays;
    if (!report) return false;
    if (report.ok || !MAY_PASS.includes(report.code) || Date.now() > deadline) {
      process.stdout.write(summary(report));
      return report.ok;
    }
    await wait(PAUSE);
  }
}
