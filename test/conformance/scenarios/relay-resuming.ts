/** How a relay keeps a session, and what it makes of the carriers that ask for it. */
import { randomBytes } from 'node:crypto';
import { RESETS } from '../codec/frames.ts';
import type { Line } from '../peer/line.ts';
import type { Opened, RelayTrial } from '../trial/relay-trial.ts';
import type { Scenario, Talk } from '../trial/trial.ts';
import { complete, heard, told } from './streams.ts';

const HELLO = Buffer.from('hello');

interface Begun {
  talk: Talk;
  opened: Opened;
  /** A resume of it. */
  resume(carrier: number): {
    resume: { session: Buffer; carrier: number; received: number; limit: number; allowance: number; secret: Buffer };
  };
}

async function begun(trial: RelayTrial): Promise<Begun> {
  const { talk, opened } = await trial.openWith({ resumable: true });
  talk.session.write(HELLO);
  await heard(trial, talk, HELLO);
  const { keys, grant } = opened;
  const { session } = grant;
  const resume = (carrier: number) => ({
    resume: { session, carrier, ...talk.session.offsets, allowance: 0, secret: keys.secret },
  });
  return { talk, opened, resume };
}

/** What comes on a line, and whether a RESET does. */
function listening(line: Line): { acks: number; reset: number | undefined } {
  const seen: { acks: number; reset: number | undefined } = { acks: 0, reset: undefined };
  line.listen({
    frames(frames) {
      for (const frame of frames) {
        if (frame.type === 'ack') seen.acks += 1;
        if (frame.type === 'reset') seen.reset = frame.code;
      }
    },
    wrong() {},
    closed() {},
  });
  return seen;
}

const offsets: Scenario<RelayTrial> = {
  name: 'the grant of a resume',
  rules: ['resume-grant'],
  async run(trial) {
    const { judge } = trial;
    const { talk, resume } = await begun(trial);
    await judge.within(trial.patience, () => talk.session.outgoing.acked === HELLO.length);
    talk.cut();
    const { grant } = await trial.granted(resume(1));
    judge.rule(
      'resume-grant',
      grant.received === HELLO.length,
      `${grant.received} bytes of ${HELLO.length} are said to have come`,
    );
  },
};

const unknown: Scenario<RelayTrial> = {
  name: 'a resume of a session that never was',
  rules: ['resume-unknown'],
  async run(trial) {
    const { opened, resume } = await begun(trial);
    const session = Buffer.from(opened.grant.session);
    randomBytes(4).copy(session, session.length - 4);
    const answer = await trial.dial({ resume: { ...resume(1).resume, session } });
    const code = 'code' in answer ? answer.code : 0;
    trial.judge.rule('resume-unknown', code === 5, `it was answered with ${code}`);
  },
};

const low: Scenario<RelayTrial> = {
  name: 'a carrier whose number is not above the last',
  rules: ['resume-low'],
  async run(trial) {
    const { talk, resume } = await begun(trial);
    await talk.again();
    for (const carrier of [1, 0]) {
      const answer = await trial.dial(resume(carrier));
      const code = 'code' in answer ? answer.code : 0;
      trial.judge.must('resume-low', code === 5, `number ${carrier} after 1 was answered with ${code}`);
    }
  },
};

const moves: Scenario<RelayTrial> = {
  name: 'two carriers',
  rules: ['resume-moves'],
  async run(trial) {
    const { judge, patience } = trial;
    const { talk, resume } = await begun(trial);
    const { session, app, line: before } = talk;
    const next = await trial.granted(resume(1));
    await judge.pause(100);
    app.write(HELLO);
    await judge.within(patience, () => session.received === HELLO.length || before.isClosed);
    judge.must(
      'resume-moves',
      session.received === HELLO.length,
      'the session has left its carrier before the next one was used',
    );
    talk.attach(next.line, next.grant, HELLO.length, 0, 'relay');
    session.flush(true);
    await judge.within(patience, () => before.isClosed);
    judge.must('resume-moves', before.isClosed, 'the carrier before stays open');
    app.write(HELLO);
    await told(trial, talk, Buffer.concat([HELLO, HELLO]));
    judge.rule('resume-moves', true);
    await complete(trial, talk);
  },
};

const ended: Scenario<RelayTrial> = {
  name: 'a resume after the complete end',
  rules: ['resume-ended'],
  async run(trial) {
    const { judge, patience } = trial;
    const { talk, resume } = await begun(trial);
    await complete(trial, talk);
    const next = await trial.dial(resume(1));
    if ('code' in next) return judge.must('resume-ended', false, `it was refused with ${next.code}`);
    const seen = listening(next.line);
    await judge.within(patience, () => next.line.isClosed);
    judge.rule(
      'resume-ended',
      next.line.isClosed && seen.acks > 0 && seen.reset === undefined,
      'no ACK came and then the close',
    );
  },
};

const endedByReset: Scenario<RelayTrial> = {
  name: 'a resume after a RESET',
  rules: ['resume-ended'],
  async run(trial) {
    const { judge, patience } = trial;
    const { talk, resume } = await begun(trial);
    talk.session.reset('aborted');
    await judge.pause(200);
    const next = await trial.dial(resume(1));
    if ('code' in next) return judge.must('resume-ended', false, `it was refused with ${next.code}`);
    const seen = listening(next.line);
    await judge.within(patience, () => next.line.isClosed);
    judge.rule('resume-ended', seen.reset === RESETS.aborted, `RESET ${seen.reset ?? 'none'} came`);
  },
};

const ALLOWANCE = 5000;

const limited: Scenario<RelayTrial> = {
  name: 'carriers that carry only so much',
  rules: ['limited-kept', 'limited-records'],
  async run(trial) {
    const { judge } = trial;
    const talk = await trial.open({ resumable: true, allowance: ALLOWANCE });
    const bytes = randomBytes(25_000);
    talk.app.write(bytes);
    while (talk.session.received < bytes.length) {
      const before = talk.session.received;
      await judge.within(500, () => talk.session.received === bytes.length);
      if (talk.session.received === bytes.length) break;
      await talk.again();
      await judge.within(trial.patience, () => talk.session.received > before);
      judge.must('stream-whole', talk.session.received > before, 'the next carrier brings nothing');
    }
    await told(trial, talk, bytes);
  },
};

export const held: Scenario<RelayTrial>[] = [offsets, unknown, low, moves, ended, endedByReset, limited];
