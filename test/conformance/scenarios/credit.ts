/** How much may be under way: the same for clients and relays. */
import { randomBytes } from 'node:crypto';
import type { Scenario, Trial } from '../trial/trial.ts';
import { complete, told } from './streams.ts';

const SMALL = 5000;
/** More than pipes and sockets on the way to an app that does not read may hold, with the largest window there is. */
const HELD_MAX = 24 * 1024 * 1024;
const QUIET = 2000;

const full: Scenario<Trial> = {
  name: 'a full window',
  rules: ['credit-kept', 'credit-fin'],
  async run(trial) {
    const { judge, patience } = trial;
    const talk = await trial.open({ window: SMALL, isSlow: true });
    const { session } = talk;
    const bytes = randomBytes(2 * SMALL);
    talk.app.write(bytes);
    await judge.within(patience, () => session.received >= SMALL);
    await judge.pause(100);
    judge.must('credit-kept', session.received === SMALL, `${session.received} bytes came at a limit of ${SMALL}`);
    talk.app.end();
    session.consume(SMALL);
    await told(trial, talk, bytes);
    await judge.within(patience, () => session.theirEnd !== undefined);
    judge.must('credit-fin', session.theirEnd === 2 * SMALL, 'no FIN came while the window was full');
    session.consume(SMALL);
    await complete(trial, talk);
  },
};

const slow: Scenario<Trial> = {
  name: 'an app that does not read',
  rules: ['limit-consumed'],
  async run(trial) {
    const { judge, patience } = trial;
    const talk = await trial.open();
    const { session, app } = talk;
    app.pause();
    const part = randomBytes(1024 * 1024);
    const sent = () => session.sentEnd;
    // Until the limit stands still.
    for (let before = -1; before < sent() && sent() < HELD_MAX; ) {
      before = sent();
      if (session.outgoing.length - sent() < part.length) session.write(part);
      await judge.within(QUIET, () => sent() > before);
    }
    judge.must('limit-consumed', sent() < HELD_MAX, `${sent()} bytes were taken for an app that reads none`);
    app.resume();
    session.finish();
    await judge.within(30_000, () => app.length === session.outgoing.length || session.end !== undefined);
    judge.must(
      'stream-whole',
      app.length === session.outgoing.length,
      `of ${session.outgoing.length} bytes to the app came ${app.length}`,
    );
    await judge.within(patience, () => session.outgoing.isDelivered);
    await complete(trial, talk);
  },
};

export const credit: Scenario<Trial>[] = [full, slow];
