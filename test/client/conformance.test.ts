/** `npm run conformance`: that it finds each fault, and only that; and what it says of this repository's client and relay. */
import { describe, expect, test } from 'vitest';
import { clientFaults, relayFaults } from '../conformance/faults.ts';
import { type RuleId, rulesOf, type Side } from '../conformance/judge/rules.ts';
import { referenceClient } from '../conformance/reference/client.ts';
import { referenceRelay } from '../conformance/reference/relay.ts';
import { clientScenarios, type Outcome, relayScenarios, testClient, testRelay } from '../conformance/run.ts';
import { ownBackend } from '../conformance/trial/own-backend.ts';
import { Target } from '../conformance/trial/target.ts';

/** Peers of the same process answer at once. */
const OPTIONS = { most: 40, patience: 4000, done() {} };

const brokenBy = ({ findings }: Outcome, side: Side): RuleId[] =>
  rulesOf(side).filter((rule) => findings.of(rule).verdict === 'broken');

const unseenBy = ({ findings }: Outcome, side: Side): RuleId[] =>
  rulesOf(side).filter((rule) => findings.of(rule).verdict === 'not seen');

async function ofClient(breaks: RuleId[], only = ''): Promise<Outcome> {
  const scenarios = clientScenarios.filter(({ name }) => name.includes(only));
  return testClient(scenarios, referenceClient(new Set(breaks)), OPTIONS);
}

async function ofRelay(breaks: RuleId[], only = ''): Promise<Outcome> {
  const backend = await ownBackend('127.0.0.1:0');
  const relay = await referenceRelay(backend.address, new Set(breaks));
  try {
    const scenarios = relayScenarios.filter(({ name }) => name.includes(only));
    return await testRelay(scenarios, new Target(relay.link, backend.address, backend), OPTIONS);
  } finally {
    relay.stop();
    backend.close();
  }
}

describe.concurrent('each rule', () => {
  test.for(Object.entries(clientFaults))(
    '%s, broken by a client, is found',
    { timeout: 40_000 },
    async ([rule, only]) => {
      expect(brokenBy(await ofClient([rule as RuleId], only), 'client')).toEqual([rule]);
    },
  );

  test.for(Object.entries(relayFaults))(
    '%s, broken by a relay, is found',
    { timeout: 40_000 },
    async ([rule, only]) => {
      expect(brokenBy(await ofRelay([rule as RuleId], only), 'relay')).toEqual([rule]);
    },
  );

  test('has a client and a relay that break it', () => {
    expect(Object.keys(clientFaults).sort()).toEqual(rulesOf('client').sort());
    expect(Object.keys(relayFaults).sort()).toEqual(rulesOf('relay').sort());
  });
});

describe.concurrent('a peer that keeps all rules', () => {
  test('a client', { timeout: 60_000 }, async () => {
    const outcome = await ofClient([]);
    expect([brokenBy(outcome, 'client'), unseenBy(outcome, 'client')]).toEqual([[], []]);
  });

  test('a relay', { timeout: 60_000 }, async () => {
    const outcome = await ofRelay([]);
    expect([brokenBy(outcome, 'relay'), unseenBy(outcome, 'relay')]).toEqual([[], []]);
  });
});
