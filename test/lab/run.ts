/** One scenario over one relay. */
import type { Duplex } from 'node:stream';
import { startBulk } from './bulk.ts';
import { converse } from './conversation.ts';
import type { Lab } from './lab.ts';
import { startMiddlebox } from './middlebox.ts';
import type { Outcome, Row } from './row.ts';
import type { Scenario } from './scenarios.ts';
import { startSilence } from './silence.ts';
import { puenteTo, tlsTo } from './ways.ts';

const MiB = 1024 * 1024;
/** Milliseconds. What arrives over a plain relay does so in 15 s: a connection of its own that froze stays so. */
const TLS_DEADLINE = 40_000;

export async function runScenario(scenario: Scenario, relay: Row['relay'], lab: Lab): Promise<Outcome> {
  const { traffic } = scenario;
  const deadline = relay === 'tls' ? Math.min(scenario.deadline, TLS_DEADLINE) : scenario.deadline;
  const bulk = traffic === 'conversation' ? undefined : await startBulk(traffic * MiB);
  const silence = await startSilence(bulk?.port ?? lab.chat.port);
  const way = await (relay === 'puente'
    ? puenteTo(silence.port, lab.relay, lab.certificate)
    : tlsTo(silence.port, lab.certificate));
  const middlebox = await startMiddlebox(way.port, scenario.faults());
  const errors = new Set<string>();
  const open = (): Duplex =>
    silence.hear(way.open(middlebox.port)).on('error', ({ code, message }: NodeJS.ErrnoException) => {
      errors.add(code ?? message);
    });
  try {
    void scenario.during?.(middlebox);
    const delivery = await (bulk ? bulk.transfer(open(), deadline) : converse(open, { ca: lab.chat.ca, deadline }));
    const passed = delivery.lost === 0 && delivery.duplicated === 0;
    const row: Row = {
      scenario: scenario.name,
      relay,
      passed,
      ...delivery,
      recoverMs: Math.round(silence.longest),
      carriers: middlebox.accepted,
      note: [...errors].join(', '),
    };
    const isToldHopeless = delivery.delivered === 0 && errors.size > 0;
    // Of a plain relay nothing is expected.
    return { row, asExpected: relay === 'tls' || (scenario.isHopeless ? isToldHopeless : passed) };
  } finally {
    await middlebox.close();
    await way.close();
    await silence.close();
    await bulk?.close();
  }
}
