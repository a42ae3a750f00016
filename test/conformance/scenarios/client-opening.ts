/** A client's hello, and what it makes of the answers to it. */
import { randomBytes } from 'node:crypto';
import { encodeGrant, NO_GRANT, padded } from '../codec/payloads.ts';
import type { ClientTrial, Knock } from '../trial/client-trial.ts';
import type { Scenario } from '../trial/trial.ts';
import { told } from './streams.ts';

const GRANTED = { version: 1, code: 0, ...NO_GRANT, limit: 65_536 };
const HOUR = 3_600_000;
/** As long as a client may take to open a session. */
const OPEN_TIMEOUT = 20_000;

/** It ends, and not as after a complete end; further hellos are answered alike. */
async function fails(
  trial: ClientTrial,
  rule: 'grant-bad' | 'refusal-final' | 'stranger-final' | 'resume-final' | 'resume-patience' | 'lost-error',
  answer: (knock: Knock) => unknown,
  ms = OPEN_TIMEOUT + 5000,
): Promise<void> {
  const { judge } = trial;
  const deadline = performance.now() + ms;
  while (trial.exit === undefined && performance.now() < deadline) {
    const knock = await trial.knock(Math.max(0, deadline - performance.now()));
    if (knock) await answer(knock);
  }
  judge.must(rule, trial.exit !== undefined, 'the command does not end');
  judge.rule(rule, trial.exit !== 0, 'the command ends as after a complete end');
}

/** Answers 101 and this, and looks that nothing is said to it. */
export async function answered(
  trial: ClientTrial,
  rule: 'grant-bad' | 'refusal-final',
  knock: Knock,
  message: Buffer | string,
): Promise<void> {
  const { judge } = trial;
  const socket = await knock.upgrade();
  let isClosed = false;
  socket.on('message', () => judge.rule(rule, false, 'the client sends something'));
  socket.on('close', () => {
    isClosed = true;
  });
  socket.send(message);
  await judge.within(trial.patience, () => isClosed);
  judge.must(rule, isClosed, 'the client does not close the WebSocket');
}

const seal = (knock: Knock, payload: Buffer): Buffer => knock.message2(payload);

const badGrants: [name: string, message: (knock: Knock) => Buffer | string][] = [
  ['a text', () => 'granted'],
  ['of 40 bytes', () => randomBytes(40)],
  ['by another key', () => randomBytes(176)],
  ['truncated', (knock) => seal(knock, padded(encodeGrant(GRANTED), 128)).subarray(0, -1)],
  ['of another version', (knock) => seal(knock, padded(encodeGrant({ ...GRANTED, version: 2 }), 128))],
  ['that ends early', (knock) => seal(knock, encodeGrant(GRANTED).subarray(0, -1))],
  ['of 256 bytes', (knock) => seal(knock, padded(encodeGrant(GRANTED), 256))],
  [
    'with a session id of 65 bytes',
    (knock) => seal(knock, encodeGrant({ ...GRANTED, options: 1, session: randomBytes(65) })),
  ],
];

const bad = badGrants.map(
  ([name, message]): Scenario<ClientTrial> => ({
    name: `a grant ${name}`,
    rules: ['grant-bad'],
    async run(trial) {
      const answer = (knock: Knock) => answered(trial, 'grant-bad', knock, message(knock));
      await answer(await trial.firstKnock());
      await fails(trial, 'grant-bad', answer);
    },
  }),
);

const lengths = [
  ['as short as its fields', encodeGrant(GRANTED)],
  ['of 255 bytes, with noise', Buffer.concat([encodeGrant({ ...GRANTED, options: 0xfe }), randomBytes(233)])],
] as const;

const odd = lengths.map(
  ([name, payload]): Scenario<ClientTrial> => ({
    name: `a grant ${name}`,
    rules: ['grant-ignored'],
    async run(trial) {
      const { judge } = trial;
      const { line } = await (await trial.firstKnock()).granted(payload);
      let heard = false;
      line.listen({
        frames: () => {
          heard = true;
        },
        wrong() {},
        closed() {},
      });
      await judge.within(trial.patience, () => heard || line.isClosed);
      judge.rule('grant-ignored', heard, 'the client does not take it');
    },
  }),
);

const refusals = [1, 2, 3, 4, 5, 6, 9, 200].map(
  (code): Scenario<ClientTrial> => ({
    name: `refusal ${code}`,
    rules: ['refusal-final'],
    async run(trial) {
      const message = (knock: Knock) => seal(knock, padded(encodeGrant({ ...GRANTED, code }), 100));
      const answer = (knock: Knock) => answered(trial, 'refusal-final', knock, message(knock));
      await answer(await trial.firstKnock());
      await fails(trial, 'refusal-final', answer);
    },
  }),
);

const wait: Scenario<ClientTrial> = {
  name: 'a grant that takes its time',
  rules: ['grant-wait', 'first-record'],
  async run(trial) {
    const { judge } = trial;
    const knock = await trial.firstKnock(Buffer.from('hello'));
    const socket = await knock.upgrade();
    let early = 0;
    socket.on('message', () => {
      early += 1;
    });
    await judge.pause(700);
    judge.must('grant-wait', early === 0, `${early} messages came before the grant`);
    socket.send(seal(knock, padded(encodeGrant(GRANTED), 100)));
    await judge.within(10_000, () => early > 0);
    judge.rule('first-record', early > 0, 'no record came within 10 s of the grant');
  },
};

const idle: Scenario<ClientTrial> = {
  name: 'an app that says nothing',
  rules: ['first-record'],
  async run(trial) {
    const { judge } = trial;
    const { line } = await (await trial.firstKnock()).grant({});
    let heard = false;
    line.listen({
      frames: () => {
        heard = true;
      },
      wrong() {},
      closed() {},
    });
    await judge.within(10_000, () => heard || line.isClosed);
    judge.rule('first-record', heard, 'no record came within 10 s of the grant');
  },
};

const beyond: Scenario<ClientTrial> = {
  name: 'a grant of more than was sent',
  rules: ['grant-offset'],
  async run(trial) {
    const { judge, patience } = trial;
    const { line } = await (await trial.firstKnock()).grant({ received: 5 });
    let reset: number | undefined;
    line.listen({
      frames(frames) {
        for (const frame of frames) if (frame.type === 'reset') reset = frame.code;
      },
      wrong() {},
      closed() {},
    });
    await judge.within(patience, () => reset !== undefined || line.isClosed);
    judge.rule('grant-offset', reset === 21, `RESET ${reset ?? 'none'} came`);
  },
};

const early: Scenario<ClientTrial> = {
  name: 'early data that the relay does not take',
  rules: ['early-continue', 'hello-early'],
  async run(trial) {
    const { judge } = trial;
    const first = Buffer.concat([Buffer.from('WA'), randomBytes(40)]);
    const knock = await trial.firstKnock(first);
    const { hello } = knock;
    const talk = await trial.openFrom(knock, {});
    if (hello.kind !== 'open' || hello.earlyData.length === 0) return judge.leave('the client sends none');
    await judge.within(trial.patience, () => talk.session.received >= first.length || talk.session.end !== undefined);
    judge.must('early-continue', talk.got.equals(first), `of ${first.length} bytes came ${talk.session.received}`);
  },
};

const plain: Scenario<ClientTrial> = {
  name: 'first bytes that must not come twice',
  rules: ['hello-early'],
  async run(trial) {
    const first = Buffer.from('transfer 100\n');
    const talk = await trial.openFrom(await trial.firstKnock(first), {});
    await told(trial, talk, first);
  },
};

const stranger: Scenario<ClientTrial> = {
  name: 'an ordinary page for an answer',
  rules: ['stranger-final'],
  async run(trial) {
    const answer = (knock: Knock) => knock.page();
    await answer(await trial.firstKnock());
    await fails(trial, 'stranger-final', answer);
  },
};

const clock: Scenario<ClientTrial> = {
  name: 'a clock that is two hours off',
  rules: ['clock-once', 'hello-fresh', 'stranger-final'],
  async run(trial) {
    const { judge } = trial;
    const answer = (knock: Knock) => knock.page(new Date(Date.now() + 2 * HOUR));
    await answer(await trial.firstKnock());
    let again = 0;
    await fails(trial, 'stranger-final', (knock) => {
      again += 1;
      const off = Math.abs(knock.hello.time * 1000 - (Date.now() + 2 * HOUR));
      judge.must('clock-once', off < 60_000, `the next hello’s time is ${Math.round(off / 1000)} s off the Date`);
      judge.must('clock-once', again === 1, 'a third hello came');
      return answer(knock);
    });
  },
};

const farOff: Scenario<ClientTrial> = {
  name: 'a Date that is ten years off',
  rules: ['clock-day', 'stranger-final'],
  async run(trial) {
    const { judge } = trial;
    const answer = (knock: Knock) => knock.page(new Date(Date.now() + 87_600 * HOUR));
    await answer(await trial.firstKnock());
    await fails(trial, 'stranger-final', (knock) => {
      const ahead = knock.hello.time * 1000 - Date.now();
      judge.must('clock-day', ahead < 24 * HOUR, 'a hello came that is years ahead');
      return answer(knock);
    });
    judge.rule('clock-day', true);
  },
};

const lost: Scenario<ClientTrial> = {
  name: 'a carrier that is lost',
  rules: ['lost-error'],
  async run(trial) {
    const talk = await trial.open();
    talk.session.write(Buffer.from('hello'));
    await trial.judge.within(trial.patience, () => talk.app.length > 0);
    talk.cut();
    await fails(trial, 'lost-error', (knock) => knock.page());
  },
};

export const openings: Scenario<ClientTrial>[] = [
  ...bad,
  ...odd,
  ...refusals,
  wait,
  idle,
  beyond,
  early,
  plain,
  stranger,
  clock,
  farOff,
  lost,
];
