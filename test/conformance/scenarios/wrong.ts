/** What a peer must not do, and how each is answered: the same for clients and relays. */
import { randomBytes } from 'node:crypto';
import { encodeFrames } from '../codec/frames.ts';
import type { RuleId } from '../judge/rules.ts';
import { RECORD_MAX } from '../peer/line.ts';
import type { Scenario, Talk, Trial } from '../trial/trial.ts';

interface Wrong {
  name: string;
  rule: RuleId;
  code: string;
  /** Does it; the session has had nothing but an echo of two bytes each way. */
  commit(talk: Talk): void;
  /** The WebSocket may be closed instead. */
  mayClose?: boolean;
}

const TWO = Buffer.from('ok');
const NOTHING = Buffer.alloc(0);
const data = (offset: number, length = 2) => encodeFrames([{ type: 'data', offset, bytes: randomBytes(length) }]);

const wrongs: Wrong[] = [
  { name: 'DATA after a gap', rule: 'bad-offset', code: 'bad-offset', commit: ({ line }) => line.seal(data(3)) },
  {
    name: 'empty DATA after a gap',
    rule: 'bad-offset',
    code: 'bad-offset',
    commit: ({ line }) => line.seal(data(3, 0)),
  },
  {
    name: 'DATA beyond the FIN',
    rule: 'bad-offset',
    code: 'bad-offset',
    commit({ line }) {
      line.send([{ type: 'fin', offset: 2 }]);
      line.seal(data(2));
    },
  },
  {
    name: 'a FIN after a gap',
    rule: 'bad-fin',
    code: 'bad-offset',
    commit: ({ line }) => line.send([{ type: 'fin', offset: 3 }]),
  },
  {
    name: 'a FIN in the middle',
    rule: 'bad-fin',
    code: 'bad-offset',
    commit: ({ line }) => line.send([{ type: 'fin', offset: 1 }]),
  },
  {
    name: 'DATA beyond the limit',
    rule: 'bad-credit',
    code: 'bad-credit',
    // The limit is looked at before the gap.
    commit: ({ line }) => line.seal(data(2 ** 40)),
  },
  {
    name: 'an ACK of what was not sent',
    rule: 'bad-ack',
    code: 'bad-offset',
    commit: ({ line }) => line.send([{ type: 'ack', received: 3, limit: 2 ** 20 }]),
  },
  { name: 'a text message', rule: 'bad-record', code: 'bad-record', commit: ({ line }) => line.raw('hello') },
  {
    name: 'a record of 15 bytes',
    rule: 'bad-record',
    code: 'bad-record',
    commit: ({ line }) => line.raw(randomBytes(15)),
  },
  {
    name: 'a record that does not open',
    rule: 'bad-record',
    code: 'bad-record',
    commit: ({ line }) => line.raw(randomBytes(60)),
  },
  {
    name: 'a record that is too long',
    rule: 'bad-record',
    code: 'bad-record',
    commit: ({ line }) => line.raw(randomBytes(RECORD_MAX + 1)),
    mayClose: true,
  },
  { name: 'an empty record', rule: 'bad-frame', code: 'bad-frame', commit: ({ line }) => line.seal(NOTHING) },
  { name: 'an unknown frame', rule: 'bad-frame', code: 'bad-frame', commit: ({ line }) => line.seal(Buffer.of(8)) },
  {
    name: 'a frame cut short',
    rule: 'bad-frame',
    code: 'bad-frame',
    commit: ({ line }) => line.seal(data(2).subarray(0, -1)),
  },
  {
    name: 'a u64 above 2^53 - 1',
    rule: 'bad-frame',
    code: 'bad-frame',
    commit: ({ line }) => line.seal(Buffer.from('010020000000000000ffffffffffffffff', 'hex')),
  },
  {
    name: 'STOP before FIN',
    rule: 'stop-early',
    code: 'bad-frame',
    commit: ({ line }) => line.send([{ type: 'stop' }]),
  },
];

/** Two bytes each way, so that both ends stand somewhere. */
async function begun(trial: Trial): Promise<Talk> {
  const { judge, patience } = trial;
  const talk = await trial.open({ resumable: false });
  talk.app.write(TWO);
  talk.session.write(TWO);
  await judge.within(
    patience,
    () => talk.session.received === 2 && talk.app.length === 2 && talk.session.outgoing.acked === 2,
  );
  return talk;
}

const scenarioOf = ({ name, rule, code, commit, mayClose = false }: Wrong): Scenario<Trial> => ({
  name: `wrong: ${name}`,
  rules: [rule, 'reset-closes', 'reset-last'],
  async run(trial) {
    const { judge, patience } = trial;
    const talk = await begun(trial);
    talk.session.sentEnd = Infinity;
    talk.isCut = mayClose;
    commit(talk);
    const { holds, instead } = await talk.resets(code, patience);
    judge.must(rule, holds || (mayClose && talk.line.isClosed), `at ${name} ${instead}`);
    await judge.within(patience, () => talk.line.isClosed);
    judge.rule('reset-closes', talk.line.isClosed, 'the WebSocket stays open after a RESET');
  },
});

const whole: Scenario<Trial> = {
  name: 'wrong: good frames before a bad one',
  rules: ['bad-frame', 'bad-frame-whole'],
  async run(trial) {
    const { judge, patience } = trial;
    const talk = await begun(trial);
    talk.session.sentEnd = Infinity;
    talk.line.seal(Buffer.concat([data(2), Buffer.of(8)]));
    const { holds, instead } = await talk.resets('bad-frame', patience);
    judge.must('bad-frame', holds, `at a bad frame behind a good one ${instead}`);
    await judge.pause(100);
    judge.rule('bad-frame-whole', talk.app.length === 2, `the app has ${talk.app.length} bytes, not 2`);
  },
};

export const wrong: Scenario<Trial>[] = [...wrongs.map(scenarioOf), whole];
