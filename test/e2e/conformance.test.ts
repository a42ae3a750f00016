/** `npm run conformance` against this repository's own client and relay: the Worker in plain workerd. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandClient } from '../conformance/command.ts';
import { rowsOf } from '../conformance/report.ts';
import { clientScenarios, type Outcome, relayScenarios, testClient, testRelay } from '../conformance/run.ts';
import { type OwnBackend, ownBackend } from '../conformance/trial/own-backend.ts';
import { Target } from '../conformance/trial/target.ts';
import { run } from '../support/command.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';

const OPTIONS = { most: 8, patience: 10_000, done() {} };
const TIME = { timeout: 120_000 };

let backend: OwnBackend;
let relay: Relay;

beforeAll(async () => {
  backend = await ownBackend('127.0.0.1:0');
  relay = await startRelay({ BACKENDS: `any://${backend.address}` });
});

afterAll(async () => {
  await relay.close();
  backend.close();
});

/** The rules that are not seen to be kept. */
const exceptions = (side: 'client' | 'relay', outcome: Outcome) =>
  rowsOf(side, outcome)
    .filter(({ verdict }) => verdict !== 'kept')
    .map(({ rule, verdict, why }) => ({ rule, verdict, why }));

test.concurrent('the Node client keeps every rule', TIME, async () => {
  const command = `'${process.execPath}' test/support/stream.ts {link} {backend}`;
  expect(exceptions('client', await testClient(clientScenarios, commandClient(command), OPTIONS))).toEqual([]);
});

test.concurrent('the relay keeps every rule', TIME, async () => {
  const target = new Target(relay.link, backend.address, backend);
  expect(exceptions('relay', await testRelay(relayScenarios, target, OPTIONS))).toEqual([]);
});

const conformance = (...args: string[]) => run(process.execPath, ['test/conformance/main.ts', ...args]);

test('--json has a row for each rule, and an echo elsewhere does for some', () => {
  const { status, stdout, stderr } = conformance('client', 'false {link}', '--only', 'echo', '--json');
  expect(status, stderr).toBe(0);
  const { rules, left } = JSON.parse(stdout);
  expect(rules).toContainEqual(expect.objectContaining({ rule: 'stream-whole', section: '9', verdict: 'not seen' }));
  expect(left).toEqual([{ scenario: 'echo', why: 'no hello has come' }]);
});

test('explains itself, and refuses what it does not have', () => {
  expect(conformance('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--backend') });
  for (const wrong of [
    [],
    ['relay'],
    ['client', 'nc'],
    ['relay', 'example.org'],
    ['relay', 'x', '--only', 'flooded'],
  ]) {
    const { status, stdout } = conformance(...wrong);
    expect([status, stdout]).toEqual([2, '']);
  }
});
