/** Carriers that are cut, and come again: the same for clients and relays. */
import { randomBytes } from 'node:crypto';
import type { Scenario, Trial } from '../trial/trial.ts';
import { complete, heard, told } from './streams.ts';

const PART = 20_000;
/** For what was written to be under way. */
const MOMENT = 200;

const cuts: Scenario<Trial> = {
  name: 'cuts',
  rules: [
    'resume-replay',
    'resume-fin',
    'resume-grant',
    'resume-number',
    'resume-mac',
    'resume-offsets',
    'resume-first',
  ],
  async run(trial) {
    const { judge, patience } = trial;
    const talk = await trial.open({ resumable: true });
    const { session, app } = talk;
    const [down, up] = [randomBytes(3 * PART), randomBytes(3 * PART)];
    for (let part = 0; part < 3; part++) {
      // We hear nothing of what is said now, so it has to come again.
      if (part > 0) talk.line.freeze();
      app.write(up.subarray(part * PART, (part + 1) * PART));
      session.write(down.subarray(part * PART, (part + 1) * PART));
      await judge.pause(MOMENT);
      talk.cut();
      await talk.again();
      await judge.within(patience, () => session.received >= (part + 1) * PART);
      const due = (part + 1) * PART;
      judge.must('resume-replay', session.received >= due, `of ${due} bytes came ${session.received} after a cut`);
    }
    await heard(trial, talk, down);
    await told(trial, talk, up);
    judge.rule('resume-replay', true);
    talk.line.freeze();
    app.end();
    await judge.pause(MOMENT);
    talk.cut();
    await talk.again();
    await judge.within(patience, () => session.theirEnd !== undefined);
    judge.must('resume-fin', session.theirEnd === up.length, 'the FIN does not come again');
    await complete(trial, talk);
  },
};

export const resumes: Scenario<Trial>[] = [cuts];
