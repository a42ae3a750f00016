/** Bytes both ways, and the ends of both streams: the same for clients and relays. */
import { randomBytes } from 'node:crypto';
import type { Scenario, Talk, Trial } from '../trial/trial.ts';

const HELLO = Buffer.from('hello, this is the app');
const BULK = 2 * 1024 * 1024;
const BULK_TIME = 30_000;

/** What we say arrives at the app. */
export async function heard({ judge, patience }: Trial, { app }: Talk, bytes: Buffer): Promise<void> {
  await judge.within(patience, () => app.length >= bytes.length);
  judge.must('stream-whole', app.got.equals(bytes), `of ${bytes.length} bytes to the app came ${app.length}`);
}

/** What the app says arrives at us. */
export async function told({ judge, patience }: Trial, talk: Talk, bytes: Buffer): Promise<void> {
  await judge.within(patience, () => talk.session.received >= bytes.length || talk.session.end !== undefined);
  judge.must(
    'stream-whole',
    talk.got.equals(bytes),
    `of the app’s ${bytes.length} bytes came ${talk.session.received}`,
  );
}

/** Both streams have ended, or do so now; then the session has. */
export async function complete(trial: Trial, { session, app, line }: Talk): Promise<void> {
  const { judge, patience } = trial;
  session.finish();
  await judge.within(patience, () => session.outgoing.isDelivered || session.end !== undefined);
  judge.must('ack-fin', session.outgoing.isDelivered, 'our FIN was not acknowledged');
  await judge.within(patience, () => app.isEnded);
  judge.must('end-told', app.isEnded, 'the app was not told of our FIN');
  app.end();
  await judge.within(patience, () => session.end !== undefined);
  judge.must('half-close', session.theirEnd !== undefined, 'the app’s end has not come as a FIN');
  judge.must('ack-fin', session.end === 'complete', 'the session does not end');
  await judge.within(patience, () => line.isClosed);
  judge.must('end-closes', line.isClosed, 'the WebSocket stays open');
  if (trial.side === 'relay') return;
  await judge.within(patience, () => trial.exit !== undefined);
  judge.rule('end-told', trial.exit === 0, `the command ends with ${trial.exit ?? 'nothing'}`);
}

const echo: Scenario<Trial> = {
  name: 'echo',
  rules: [
    'stream-whole',
    'record-form',
    'frames-form',
    'ack-fin',
    'end-closes',
    'end-told',
    'ack-true',
    'limit-kept',
    'fin-offset',
    'data-order',
  ],
  async run(trial) {
    const talk = await trial.open();
    const { session } = talk;
    if (!talk.hasApp) {
      session.write(HELLO);
      return told(trial, talk, HELLO);
    }
    talk.app.write(HELLO);
    await told(trial, talk, HELLO);
    session.write(HELLO);
    await heard(trial, talk, HELLO);
    talk.app.write(HELLO);
    await told(trial, talk, Buffer.concat([HELLO, HELLO]));
    await complete(trial, talk);
  },
};

const bulk: Scenario<Trial> = {
  name: 'bulk both ways',
  rules: ['stream-whole'],
  async run(trial) {
    const talk = await trial.open();
    const { judge } = trial;
    const [down, up] = [randomBytes(BULK), randomBytes(BULK)];
    talk.session.write(down);
    talk.app.write(up);
    await judge.within(
      BULK_TIME,
      () => (talk.app.length >= BULK && talk.session.received >= BULK) || talk.session.end !== undefined,
    );
    await heard(trial, talk, down);
    await told(trial, talk, up);
    await complete(trial, talk);
  },
};

const appFirst: Scenario<Trial> = {
  name: 'the app finishes first',
  rules: ['half-close', 'end-early'],
  async run(trial) {
    const talk = await trial.open();
    const { judge, patience } = trial;
    talk.app.write(HELLO);
    talk.app.end();
    await told(trial, talk, HELLO);
    await judge.within(patience, () => talk.session.theirEnd !== undefined);
    judge.must('half-close', talk.session.theirEnd === HELLO.length, 'the app’s end has not come as a FIN');
    talk.session.write(HELLO);
    await heard(trial, talk, HELLO);
    await judge.pause(100);
    await complete(trial, talk);
  },
};

const weFirst: Scenario<Trial> = {
  name: 'the peer finishes first',
  rules: ['half-close'],
  async run(trial) {
    const talk = await trial.open();
    const { judge, patience } = trial;
    talk.session.write(HELLO);
    talk.session.finish();
    await heard(trial, talk, HELLO);
    await judge.within(patience, () => talk.app.isEnded);
    judge.must('end-told', talk.app.isEnded, 'the app was not told of our FIN');
    judge.must('half-close', talk.session.theirEnd === undefined, 'a FIN came, though the app goes on');
    talk.app.write(HELLO);
    await judge.within(patience, () => talk.session.received > 0 || talk.session.end !== undefined);
    judge.must('half-close', talk.got.equals(HELLO), 'nothing more comes of the app');
    await complete(trial, talk);
  },
};

const lastRecord: Scenario<Trial> = {
  name: 'the last record, then the close',
  rules: ['end-order'],
  async run(trial) {
    const talk = await trial.open();
    const { judge, patience } = trial;
    const { session, line, app } = talk;
    app.write(HELLO);
    app.end();
    await judge.within(patience, () => session.theirEnd !== undefined);
    // Data, FIN and the close in one go.
    session.write(HELLO);
    session.finish();
    talk.isCut = true;
    line.close();
    await judge.within(patience, () => app.isEnded || app.isClosed);
    const isHeard = app.isEnded && app.got.equals(HELLO);
    judge.rule('end-order', isHeard, `DATA and FIN just before the close were not applied: ${app.length} bytes came`);
  },
};

const repeats: Scenario<Trial> = {
  name: 'repeated and empty frames',
  rules: [
    'data-repeat',
    'data-empty',
    'fin-repeat',
    'pad-ignored',
    'ack-lower',
    'pong-unknown',
    'ping-answer',
    'ack-owed',
  ],
  async run(trial) {
    const talk = await trial.open();
    const { judge, patience } = trial;
    const { session, line, app } = talk;
    // A first record may acknowledge, or not.
    await judge.within(patience, () => talk.watch.hasHeard);
    session.write(HELLO);
    await heard(trial, talk, HELLO);
    await judge.within(patience, () => session.outgoing.acked === HELLO.length);
    judge.must('ack-owed', session.outgoing.acked === HELLO.length, 'what has come was not acknowledged');

    app.write(HELLO);
    await told(trial, talk, HELLO);
    const goesOn = async (
      rule: 'data-repeat' | 'data-empty' | 'fin-repeat' | 'pad-ignored' | 'ack-lower' | 'pong-unknown',
      why: string,
    ) => {
      const before = session.pongs;
      const asked = session.ping();
      await judge.within(patience, () => session.lastPong === asked || session.end !== undefined);
      judge.must(rule, session.end === undefined, `${why}: ${talk.theirReset ?? 'the end'}`);
      judge.must('ping-answer', session.pongs > before, 'a PING was not answered');
    };
    line.send([{ type: 'pong', id: 0x01020304 }]);
    await goesOn('pong-unknown', 'at an unknown PONG came');
    line.send([
      { type: 'pad', bytes: randomBytes(40) },
      { type: 'pad', bytes: Buffer.alloc(0) },
    ]);
    await goesOn('pad-ignored', 'at a PAD came');
    line.send([{ type: 'ack', received: 0, limit: 0 }]);
    await goesOn('ack-lower', 'at an ACK of less came');
    line.send([{ type: 'data', offset: HELLO.length, bytes: Buffer.alloc(0) }]);
    await goesOn('data-empty', 'at an empty DATA came');
    line.send([{ type: 'data', offset: 2, bytes: HELLO.subarray(2) }]);
    await goesOn('data-repeat', 'at repeated DATA came');
    await judge.pause(50);
    judge.must('data-repeat', app.got.equals(HELLO), `the app has ${app.length} bytes of ${HELLO.length}`);
    session.finish();
    await judge.within(patience, () => session.outgoing.isDelivered);
    judge.must('ack-fin', session.outgoing.isDelivered, 'our FIN was not acknowledged');
    line.send([{ type: 'fin', offset: HELLO.length }]);
    await goesOn('fin-repeat', 'at a repeated FIN came');
    await complete(trial, talk);
  },
};

export const streams: Scenario<Trial>[] = [echo, bulk, appFirst, weFirst, lastRecord, repeats];
