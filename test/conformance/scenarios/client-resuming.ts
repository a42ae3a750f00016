/** What a client does without a carrier, or with one that carries nothing. */
import { randomBytes } from 'node:crypto';
import type { Judge } from '../judge/judge.ts';
import type { ClientTrial, Knock } from '../trial/client-trial.ts';
import type { Scenario, Talk } from '../trial/trial.ts';
import { answered } from './client-opening.ts';
import { complete, heard, told } from './streams.ts';

const HELLO = Buffer.from('hello');
const PATIENCE = 3;
/** What a client may need beyond the relay's patience: one attempt. */
const MARGIN = 10_000;

async function begun(trial: ClientTrial): Promise<Talk> {
  const talk = await trial.openFrom(await trial.firstKnock(), { resumable: true }, PATIENCE);
  talk.session.write(HELLO);
  await heard(trial, talk, HELLO);
  return talk;
}

/** The command ends in an error before `ms` have passed, and no hello comes after it. */
async function givesUp(
  judge: Judge,
  trial: ClientTrial,
  rule: 'resume-final' | 'resume-patience',
  ms: number,
): Promise<void> {
  judge.must(rule, await judge.within(ms, () => trial.exit !== undefined), 'the command does not end');
  judge.rule(rule, trial.exit !== 0, 'the command ends as after a complete end');
}

const unknown: Scenario<ClientTrial> = {
  name: 'a session that the relay does not know any more',
  rules: ['resume-final'],
  async run(trial) {
    const { judge } = trial;
    const talk = await begun(trial);
    talk.cut();
    const knock = (await trial.knock()) ?? judge.leave('the client does not resume');
    const { line } = await knock.grant({ code: 5 });
    line.close();
    const next = await trial.knock(2000);
    judge.must('resume-final', next === undefined, 'another hello came');
    await givesUp(judge, trial, 'resume-final', MARGIN);
  },
};

const forged: Scenario<ClientTrial> = {
  name: 'a resume that somebody else answers',
  rules: ['grant-bad'],
  async run(trial) {
    const { judge } = trial;
    const talk = await begun(trial);
    talk.cut();
    const knock = (await trial.knock()) ?? judge.leave('the client does not resume');
    await answered(trial, 'grant-bad', knock, randomBytes(176));
    await givesUp(judge, trial, 'resume-final', MARGIN);
  },
};

const outOfReach: Scenario<ClientTrial> = {
  name: 'a relay out of reach',
  rules: ['resume-patience', 'resume-number'],
  async run(trial) {
    const { judge } = trial;
    const talk = await begun(trial);
    talk.cut();
    const deadline = performance.now() + PATIENCE * 1000 + MARGIN;
    let latest = 0;
    while (performance.now() < deadline && trial.exit === undefined) {
      const knock = await trial.knock(deadline - performance.now());
      if (knock) latest = failing(judge, knock, latest);
    }
    if (latest === 0) return judge.leave('the client does not resume');
    await givesUp(judge, trial, 'resume-patience', 0);
  },
};

function failing(judge: Judge, knock: Knock, latest: number): number {
  knock.drop();
  if (knock.hello.kind !== 'resume') return judge.leave('the client opens another session');
  const { carrier } = knock.hello;
  judge.must('resume-number', carrier > latest, `carrier ${carrier} came after ${latest}, which had failed`);
  return carrier;
}

const frozen: Scenario<ClientTrial> = {
  name: 'a carrier that freezes',
  rules: ['resume-first', 'resume-replay'],
  async run(trial) {
    const { judge, patience } = trial;
    const talk = await trial.open({ resumable: true });
    const { session, app } = talk;
    app.write(HELLO);
    await told(trial, talk, HELLO);
    talk.line.freeze();
    app.write(HELLO);
    await talk.again();
    await judge.within(patience, () => talk.watch.hasHeard || talk.line.isClosed);
    judge.must('resume-first', talk.watch.hasHeard, 'the next carrier carries nothing');
    await judge.within(patience, () => session.received === 2 * HELLO.length);
    await told(trial, talk, Buffer.concat([HELLO, HELLO]));
    await complete(trial, talk);
  },
};

/** A network that lets each carrier have so much. */
const CURTAIN = 16_000;
const ROUNDS = 60;
const ROUND = 1000;

const curtain: Scenario<ClientTrial> = {
  name: 'a network that lets 16 KB through',
  rules: ['limited-hello', 'limited-records'],
  async run(trial) {
    const { judge, patience } = trial;
    const talk = await trial.open({ resumable: true });
    const { session, app } = talk;
    const [up, down] = [randomBytes(ROUNDS * ROUND), randomBytes(ROUNDS * ROUND)];
    for (let due = ROUND; due <= up.length; due += ROUND) {
      app.write(up.subarray(due - ROUND, due));
      session.write(down.subarray(due - ROUND, due));
      const isDone = () => session.received >= due && app.length >= due;
      while (!isDone()) {
        const { line } = talk;
        const isUsedUp = () => line.sent + line.heard > CURTAIN || line.isClosed || trial.isKnocked;
        await judge.within(patience, () => isDone() || isUsedUp());
        if (isDone()) break;
        line.freeze();
        await talk.again();
      }
    }
    await told(trial, talk, up);
    await heard(trial, talk, down);
  },
};

const stops: Scenario<ClientTrial> = {
  name: 'an app that reads no more',
  rules: ['stop-fin', 'stop-counts'],
  async run(trial) {
    const { judge, patience } = trial;
    const talk = await trial.open({ ignoresStop: true });
    const { session, watch, app } = talk;
    app.write(HELLO);
    await told(trial, talk, HELLO);
    app.stop();
    session.write(HELLO);
    await judge.within(1000, () => watch.hasStopped);
    // A pipe that nobody reads is noticed by the second write.
    session.write(HELLO);
    await judge.within(patience, () => watch.hasStopped || session.end !== undefined);
    if (!watch.hasStopped) return judge.leave('the client sends no STOP');
    session.write(HELLO);
    await judge.within(patience, () => session.outgoing.acked === 3 * HELLO.length || session.end !== undefined);
    judge.must(
      'stop-counts',
      session.outgoing.acked === 3 * HELLO.length,
      'what comes after a STOP is not acknowledged',
    );
    session.finish();
    await judge.within(patience, () => session.end !== undefined);
    judge.rule('end-closes', session.end === 'complete', 'the session does not end');
  },
};

export const resuming: Scenario<ClientTrial>[] = [unknown, forged, outOfReach, frozen, curtain, stops];
