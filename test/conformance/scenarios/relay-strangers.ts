/** Whom a relay must not let in: each is answered as an ordinary request is. */
import { randomBytes } from 'node:crypto';
import { fromBase64url, toBase64url, u16, u64 } from '../codec/bytes.ts';
import { tokenOf } from '../codec/permits.ts';
import type { RuleId } from '../judge/rules.ts';
import type { RelayTrial, Twist } from '../trial/relay-trial.ts';
import type { Scenario } from '../trial/trial.ts';

/** The same answer as an ordinary request gets. */
async function isTurnedAway(trial: RelayTrial, rule: RuleId, offer: string, what: string): Promise<void> {
  const [usual, again, answer] = [await trial.page(), await trial.page(), await trial.page(offer)];
  if (JSON.stringify(usual) !== JSON.stringify(again)) return trial.judge.leave('two ordinary answers differ');
  trial.judge.must(rule, answer !== 'let in', `${what} was let in`);
  const differing = Object.entries(answer).find(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(Object(usual)[name]),
  );
  trial.judge.must(rule, differing === undefined, `to ${what} the answer has another ${differing?.[0]}`);
}

/** Takes the place of the last character: the bits that have no byte are not zero. */
function uncanonical(hello: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  // A length of 0 modulo 4 has no such bits.
  const spelling = hello.length % 4 === 0 ? hello.slice(0, -2) : hello;
  const last = alphabet.indexOf(spelling.at(-1) ?? '');
  return spelling.slice(0, -1) + alphabet[last ^ 1];
}

const HOUR = 3600;
const now = () => Math.floor(Date.now() / 1000);
/** Fields up to those that are malformed. */
const before = (payload: Buffer, length: number) => payload.subarray(0, length);

type Case = [what: string, rule: RuleId, twist: (trial: RelayTrial) => Twist];

const cases: Case[] = [
  ['a header with one name', 'stranger-offer', () => ({ offer: (token) => token })],
  ['a header with three names', 'stranger-offer', () => ({ offer: (token, hello) => `${token}, ${hello}, chat` })],
  [
    'a token of 15 characters',
    'stranger-offer',
    () => ({ offer: (token, hello) => `${token.slice(0, 15)}, ${hello}` }),
  ],
  [
    'a token of 112 characters',
    'stranger-offer',
    () => ({ offer: (token, hello) => `${token.padEnd(112, 'x')}, ${hello}` }),
  ],
  [
    'a tail with a character that is none',
    'stranger-offer',
    () => ({ offer: (token, hello) => `${token}.x, ${hello}` }),
  ],
  [
    'a header that is too long',
    'stranger-offer',
    () => ({ offer: (token, hello) => `${token}, ${hello.padEnd(4200, 'A')}` }),
  ],
  [
    'a wrong token',
    'stranger-token',
    () => ({ offer: (token, hello) => `${token[0] === 'A' ? 'B' : 'A'}${token.slice(1)}, ${hello}` }),
  ],
  [
    'a hello in another spelling',
    'stranger-hello',
    ({ target }) => ({ offer: (_token, hello) => `${tokenOf(target.key, uncanonical(hello))}, ${uncanonical(hello)}` }),
  ],
  [
    'a hello that was changed',
    'stranger-hello',
    ({ target }) => ({
      offer(_token, hello) {
        const bytes = fromBase64url(hello);
        bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
        return `${tokenOf(target.key, toBase64url(bytes))}, ${toBase64url(bytes)}`;
      },
    }),
  ],
  ['a hello with another prologue', 'stranger-hello', () => ({ prologue: 'puente/9' })],
  [
    'a payload that ends early',
    'stranger-payload',
    ({ target }) => ({ payload: (whole) => before(whole, 7 + target.invite.length + 6) }),
  ],
  [
    'a limit above 2^53 - 1',
    'stranger-payload',
    ({ target }) => ({
      payload: (whole) =>
        Buffer.concat([before(whole, 7 + target.invite.length + 1), Buffer.alloc(8, 0xff), u16(0), u16(0)]),
    }),
  ],
  ['a backend of 260 bytes', 'stranger-payload', () => ({ hello: { backend: 'a'.repeat(260) } })],
  [
    'early data of 2305 bytes',
    'stranger-payload',
    () => ({ hello: { backend: 'a:1', earlyData: Buffer.alloc(2305) } }),
  ],
  [
    'a backend that is not UTF-8',
    'stranger-payload',
    ({ target }) => ({
      payload: (whole) =>
        Buffer.concat([before(whole, 7 + target.invite.length + 1), u64(0), u16(1), Buffer.of(0xff), u16(0)]),
    }),
  ],
  ['a hello of an hour ago', 'stranger-time', () => ({ hello: { time: now() - HOUR } })],
  ['a hello in an hour', 'stranger-time', () => ({ hello: { time: now() + HOUR } })],
  [
    'a status with a permit at random',
    'stranger-permit',
    () => ({ hello: { kind: 'status', backend: '', invite: randomBytes(30) } }),
  ],
];

const turnedAway = cases.map(
  ([what, rule, twist]): Scenario<RelayTrial> => ({
    name: `a stranger: ${what}`,
    rules: [rule],
    run: (trial) => isTurnedAway(trial, rule, trial.offer(twist(trial)).header, what),
  }),
);

const wrongInvite: Scenario<RelayTrial> = {
  name: 'a stranger: a wrong invite',
  rules: ['stranger-permit'],
  async run(trial) {
    const invite = Buffer.from(trial.target.invite);
    if (invite.length === 0) return trial.judge.leave('the link has no invite');
    invite.writeUInt8(invite.readUInt8(invite.length - 1) ^ 1, invite.length - 1);
    await isTurnedAway(trial, 'stranger-permit', trial.offer({ hello: { invite } }).header, 'a wrong invite');
  },
};

const replay: Scenario<RelayTrial> = {
  name: 'a stranger: a hello for the second time',
  rules: ['stranger-replay'],
  async run(trial) {
    // A refusal is enough: the hello has been seen.
    const { header } = trial.offer({ hello: { backend: 'not-on-the-list.invalid:443' } });
    const first = await trial.page(header);
    trial.judge.must('token-echo', first === 'let in', 'a good hello was not let in');
    await isTurnedAway(trial, 'stranger-replay', header, 'a hello that was seen');
  },
};

const wrongMac: Scenario<RelayTrial> = {
  name: 'a stranger: a resume with a wrong mac',
  rules: ['stranger-mac'],
  async run(trial) {
    const { opened } = await trial.openWith({ resumable: true });
    const { session } = opened.grant;
    const resume = { session, carrier: 1, received: 0, limit: 65_536, allowance: 0, secret: randomBytes(32) };
    await isTurnedAway(trial, 'stranger-mac', trial.offer({ resume }).header, 'a resume with a wrong mac');
  },
};

export const strangers: Scenario<RelayTrial>[] = [...turnedAway, wrongInvite, replay, wrongMac];
