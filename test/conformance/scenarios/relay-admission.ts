/** What a relay grants, refuses and ignores, and how long it waits. */
import { randomBytes } from 'node:crypto';
import { fromBase64url, text } from '../codec/bytes.ts';
import { resetName } from '../codec/frames.ts';
import { RESUMABLE } from '../codec/payloads.ts';
import type { RuleId } from '../judge/rules.ts';
import { WINDOW } from '../peer/session.ts';
import type { Opened, Refused, RelayTrial, Twist } from '../trial/relay-trial.ts';
import { type Scenario, Talk } from '../trial/trial.ts';
import { complete, heard } from './streams.ts';

const HELLO = text('hello');
const NOWHERE = { hello: { backend: 'not-on-the-list.invalid:443' } };

/** Its code, once it is known that nothing else comes and the WebSocket is closed. */
async function refusal(trial: RelayTrial, rule: RuleId, twist: Twist): Promise<number> {
  const { judge } = trial;
  const answer: Opened | Refused = await trial.dial(twist, rule);
  if (!('code' in answer)) return 0;
  const { code, line } = answer;
  line.listen({
    frames: () => judge.rule('refusal-closes', false, 'a record came after a refusal'),
    wrong: () => judge.rule('refusal-closes', false, 'a message came after a refusal'),
    closed() {},
  });
  await judge.within(trial.patience, () => line.isClosed);
  judge.must('refusal-closes', line.isClosed, 'the WebSocket stays open after a refusal');
  return code;
}

const notAllowed: Scenario<RelayTrial> = {
  name: 'a backend that is not on the list',
  rules: ['backend-refused', 'refusal-closes'],
  async run(trial) {
    const code = await refusal(trial, 'backend-refused', NOWHERE);
    trial.judge.rule('backend-refused', code === 2, `it was answered with ${code}`);
  },
};

/** Version, time and invite have their places in every version; then one byte. */
const futures: [name: string, change: (payload: Buffer, invite: number) => Buffer][] = [
  ['a version', (payload) => Buffer.concat([Buffer.of(9), payload.subarray(1)])],
  ['a version of few bytes', (payload, invite) => Buffer.concat([Buffer.of(2), payload.subarray(1, 7 + invite)])],
  [
    'a kind',
    (payload, invite) => Buffer.concat([payload.subarray(0, 6 + invite), Buffer.of(9), payload.subarray(7 + invite)]),
  ],
];

const unknown = futures.map(
  ([name, change]): Scenario<RelayTrial> => ({
    name: `${name} that is unknown`,
    rules: ['unknown-refused', 'refusal-closes'],
    async run(trial) {
      const code = await refusal(trial, 'unknown-refused', {
        payload: (payload) => change(payload, trial.target.invite.length),
      });
      trial.judge.rule('unknown-refused', code === 1, `it was answered with ${code}`);
    },
  }),
);

const ignored: Scenario<RelayTrial> = {
  name: 'padding and options that mean nothing',
  rules: ['hello-ignored', 'token-echo', 'grant-option'],
  async run(trial) {
    const { judge } = trial;
    // Bit 0 is clear: no resumable session is asked for.
    for (const tail of ['', 'x', '-_'.repeat(47)]) {
      const answer = await trial.dial({ hello: { options: 0xfc }, tail, payload: withNoise }, 'hello-ignored');
      judge.must('hello-ignored', !('code' in answer), 'it was refused');
    }
    // Without any padding, too.
    const bare = await trial.dial({ payload: (payload) => withNoise(payload).subarray(0, -100) }, 'hello-ignored');
    judge.rule('hello-ignored', !('code' in bare), 'a hello without padding was refused');
  },
};

/** The fields, and 100 bytes at random. */
function withNoise(payload: Buffer): Buffer {
  const fields = payload.subarray(0, payload.findLastIndex((byte) => byte !== 0) + 1);
  // The last field is the length of no early data.
  return Buffer.concat([fields, Buffer.alloc(2), randomBytes(100)]);
}

const earlyMessage: Scenario<RelayTrial> = {
  name: 'a message before the grant',
  rules: ['early-message'],
  async run(trial) {
    const { judge } = trial;
    const { line, codes } = await trial.target.inTurn(async () => {
      const eager = trial.eager(randomBytes(40));
      await judge.within(trial.patience, () => eager.line.isClosed);
      // The backend may be connected all the same.
      await judge.pause(200);
      return eager;
    });
    judge.must('early-message', line.isClosed, 'the WebSocket stays open');
    const wrong = codes.find((code) => code !== 19);
    judge.rule('early-message', wrong === undefined, `RESET ${resetName(wrong ?? 0)} came`);
  },
};

const early: Scenario<RelayTrial> = {
  name: 'early data',
  rules: ['early-written'],
  async run(trial) {
    const { judge, patience } = trial;
    const earlyData = Buffer.concat([text('WA'), randomBytes(60)]);
    const { talk, opened } = await trial.openWith({}, { hello: { earlyData } });
    const { received } = opened.grant;
    judge.must(
      'early-written',
      received <= earlyData.length,
      `${received} of ${earlyData.length} bytes are said to have come`,
    );
    await judge.within(patience, () => talk.app.length >= received);
    await judge.pause(100);
    judge.rule(
      'early-written',
      talk.app.got.equals(earlyData.subarray(0, received)),
      `the backend has ${talk.app.length} bytes, not ${received}`,
    );
  },
};

const published: Scenario<RelayTrial> = {
  name: 'the published key',
  rules: ['well-known'],
  async run(trial) {
    const { judge } = trial;
    const answer = await trial.page(undefined, '.well-known/puente');
    if (answer === 'let in' || answer.status !== 200) return judge.leave('the relay publishes none');
    const { version, key } = JSON.parse(answer.body) as { version: unknown; key: string };
    judge.rule('well-known', version === 1 && fromBase64url(key).equals(trial.target.key), `it is ${answer.body}`);
  },
};

/** The relay's longest silence, and what a network adds. */
const KEEPALIVE = 30_000;
const FIRST_RECORD_TIMEOUT = 10_000;
const NETWORK = 5000;

const keepalive: Scenario<RelayTrial> = {
  name: 'a session in which nothing is said',
  rules: ['keepalive'],
  async run(trial) {
    const { judge } = trial;
    const talk = await trial.open();
    await judge.pause(1000);
    talk.watch.hasHeard = false;
    await judge.within(KEEPALIVE + NETWORK, () => talk.watch.hasHeard || talk.session.end !== undefined);
    judge.rule('keepalive', talk.watch.hasHeard, 'nothing came');
  },
};

const silent: Scenario<RelayTrial> = {
  name: 'a client that says nothing',
  rules: ['silent'],
  async run(trial) {
    const { judge } = trial;
    const { line } = await trial.granted();
    let code: number | undefined;
    line.listen({
      frames(frames) {
        for (const frame of frames) if (frame.type === 'reset') code = frame.code;
      },
      wrong() {},
      closed() {},
    });
    await judge.within(FIRST_RECORD_TIMEOUT + NETWORK, () => line.isClosed);
    judge.must('silent', line.isClosed, 'the WebSocket stays open');
    judge.rule('silent', code === 24, `RESET ${code ?? 'none'} came`);
  },
};

// --- the check

const CHECK = 65_536;

async function checked(trial: RelayTrial, bytes: Buffer): Promise<Talk> {
  const { judge } = trial;
  const answer = await trial.dial({ hello: { kind: 'check', backend: '', options: RESUMABLE, limit: WINDOW } });
  if ('code' in answer) return judge.leave(`the relay refuses a check with ${answer.code}`);
  const { grant, line } = answer;
  judge.must('grant-form', (grant.options & RESUMABLE) === 0, 'a check is resumable');
  const talk = new Talk(judge, {}, false, grant.limit, undefined);
  talk.attach(line, grant, 0, 0, 'relay');
  talk.session.write(bytes);
  talk.session.finish();
  await judge.within(3 * trial.patience, () => talk.session.end !== undefined || talk.session.theirEnd !== undefined);
  return talk;
}

const check: Scenario<RelayTrial> = {
  name: 'a check',
  rules: ['check-echo'],
  async run(trial) {
    const bytes = randomBytes(CHECK);
    const { got, session } = await checked(trial, bytes);
    const isWhole = got.equals(bytes) && session.theirEnd === CHECK;
    trial.judge.rule('check-echo', isWhole, `${got.length} bytes came back`);
  },
};

const checkMore: Scenario<RelayTrial> = {
  name: 'a check with one byte more',
  rules: ['check-more'],
  async run(trial) {
    const { judge, patience } = trial;
    const talk = await checked(trial, randomBytes(CHECK + 1));
    const { holds, instead } = await talk.resets('backend-reset', patience);
    judge.rule('check-more', holds, instead);
  },
};

// --- the backend

const broken: Scenario<RelayTrial> = {
  name: 'a backend that breaks its connection',
  rules: ['backend-reset'],
  async run(trial) {
    const { judge, patience } = trial;
    const { talk, opened } = await trial.openWith({});
    talk.session.write(HELLO);
    await heard(trial, talk, HELLO);
    opened.socket?.resetAndDestroy();
    const { holds, instead } = await talk.resets('backend-reset', patience);
    judge.rule('backend-reset', holds, instead);
  },
};

const unwritten: Scenario<RelayTrial> = {
  name: 'a plain session that is lost before a slow backend has all',
  rules: ['plain-written'],
  async run(trial) {
    const { judge, patience } = trial;
    const talk = await trial.open();
    const { session, app } = talk;
    app.pause();
    session.write(randomBytes(8 * 1024 * 1024));
    // Until the window is full: what was acknowledged is the relay's to write.
    for (let before = -1; before < session.outgoing.acked; ) {
      before = session.outgoing.acked;
      await judge.within(1000, () => session.outgoing.acked > before);
    }
    const { acked } = session.outgoing;
    talk.cut();
    await judge.pause(200);
    app.resume();
    await judge.within(patience, () => app.length >= acked || app.isClosed);
    judge.rule('plain-written', app.length >= acked, `of ${acked} bytes that were acknowledged ${app.length} came`);
  },
};

const ordinary: Scenario<RelayTrial> = {
  name: 'a resumable session, and its end',
  rules: ['grant-form', 'token-echo'],
  async run(trial) {
    const { talk } = await trial.openWith({ resumable: true }, { tail: 'a-tail' });
    talk.session.write(HELLO);
    await heard(trial, talk, HELLO);
    await complete(trial, talk);
  },
};

export const admission: Scenario<RelayTrial>[] = [
  keepalive,
  silent,
  notAllowed,
  ...unknown,
  ignored,
  earlyMessage,
  early,
  published,
  check,
  checkMore,
  broken,
  unwritten,
  ordinary,
];
