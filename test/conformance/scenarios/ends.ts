/** RESET and STOP: the same for clients and relays. */
import { randomBytes } from 'node:crypto';
import { RESETS } from '../codec/frames.ts';
import type { Scenario, Trial } from '../trial/trial.ts';
import { heard } from './streams.ts';

const HELLO = Buffer.from('hello');

/** Every code, and numbers that none has. */
const CODES = [...Object.entries(RESETS), ['unknown', 0], ['unknown', 6], ['unknown', 16], ['unknown', 200]] as const;

const resets = CODES.map(
  ([name, code]): Scenario<Trial> => ({
    name: `reset: ${name} (${code})`,
    rules: [name === 'unknown' ? 'reset-unknown' : 'reset-obeyed', 'reset-closes'],
    async run(trial) {
      const { judge, patience } = trial;
      const rule = name === 'unknown' ? 'reset-unknown' : 'reset-obeyed';
      const talk = await trial.open();
      const { line, session } = talk;
      session.write(HELLO);
      await heard(trial, talk, HELLO);
      const before = session.received;
      talk.isCut = true;
      line.send([{ type: 'reset', code }]);
      await judge.within(patience, () => line.isClosed || talk.app.isClosed || talk.app.isEnded);
      talk.app.write(HELLO);
      await judge.within(patience, () => talk.app.isClosed || talk.app.isEnded || session.received > before);
      judge.must(rule, session.received === before, 'the session goes on after a RESET');
      judge.must(rule, talk.app.isClosed || talk.app.isEnded, 'the app was not told of a RESET');
      await judge.within(patience, () => trial.exit !== undefined || trial.side === 'relay');
      judge.must(rule, trial.exit !== 0, 'the client ends as after a complete end');
      await judge.within(patience, () => line.isClosed);
      judge.rule('reset-closes', line.isClosed, 'the WebSocket stays open after a RESET');
    },
  }),
);

const stop: Scenario<Trial> = {
  name: 'the peer stops',
  rules: ['stop-obeyed', 'stop-twice'],
  async run(trial) {
    const { judge, patience } = trial;
    const window = 4000;
    const talk = await trial.open({ window, isSlow: true });
    const { session, line, app } = talk;
    // More than the window, so that something is left unsent.
    app.write(randomBytes(5 * window));
    await judge.within(patience, () => session.received === window);
    session.write(HELLO);
    session.finish();
    line.send([{ type: 'stop' }]);
    await judge.within(patience, () => session.theirEnd !== undefined || session.end !== undefined);
    judge.must('stop-obeyed', session.theirEnd === window, `no FIN came at ${window} bytes after a STOP`);
    // What was sent before the FIN is still for the app.
    await heard(trial, talk, HELLO);
  },
};

const stopTwice: Scenario<Trial> = {
  name: 'the peer stops twice',
  rules: ['stop-twice'],
  async run(trial) {
    const { judge, patience } = trial;
    const talk = await trial.open();
    const { session, line } = talk;
    session.write(HELLO);
    await heard(trial, talk, HELLO);
    session.finish();
    line.send([{ type: 'stop' }, { type: 'stop' }]);
    await judge.within(patience, () => session.theirEnd !== undefined || line.isClosed);
    judge.must('stop-twice', talk.theirReset === undefined, `at a second STOP came RESET ${talk.theirReset}`);
    judge.must('stop-obeyed', session.theirEnd !== undefined, 'no FIN came after a STOP');
    judge.rule('stop-twice', true);
  },
};

export const ends: Scenario<Trial>[] = [...resets, stop, stopTwice];
