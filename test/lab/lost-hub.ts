/** What an app sees when the hub that holds its session is gone: an error at once, and then a connection that works. */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bundle, bundle } from '../../volunteer/relay/bundle.ts';
import { echo, startBackend } from '../support/servers/backend.ts';
import type { Check, Lab } from './lab.ts';
import { startMiddlebox } from './middlebox.ts';
import type { Outcome } from './row.ts';
import { type PuenteWay, puenteTo } from './ways.ts';

export const WORD = Buffer.from('still there?');
/** From when the relay answers again until the app must have been told. */
const TOLD_WITHIN = 2000;

export const lostHubs: Check[] = [
  {
    name: 'the relay restarted',
    run: (lab) => loseHub('the relay restarted', lab, lab.relay, (way) => way.restart()),
  },
  {
    name: 'the hub evicted',
    run: (lab) => loseHub('the hub evicted', lab, bundle('test/evicting/wrangler.toml'), evict),
  },
];

async function evict({ worker }: PuenteWay): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${worker.port}/evict`);
  if ((await answer.text()) !== 'evicted') throw new Error('The hub was not evicted.');
}

async function loseHub(
  scenario: string,
  lab: Lab,
  relay: Bundle,
  lose: (way: PuenteWay) => Promise<void>,
): Promise<Outcome> {
  const backend = await startBackend(echo);
  const way = await puenteTo(backend.port, relay, lab.certificate);
  const middlebox = await startMiddlebox(way.port);
  const streams: Duplex[] = [];
  const open = () => {
    const stream = way.open(middlebox.port);
    streams.push(stream);
    return stream;
  };
  try {
    const old = open();
    const ending = endingOf(old);
    await answered(old);
    await lose(way);
    const back = performance.now();
    const note = await Promise.race([ending, sleep(TOLD_WITHIN, 'not told')]);
    const delivered = await answered(open()).catch(() => 0);
    const lost = 2 * WORD.length - delivered;
    return {
      row: {
        scenario,
        relay: 'puente',
        passed: lost === 0,
        delivered,
        lost,
        duplicated: 0,
        recoverMs: Math.round(performance.now() - back),
        carriers: middlebox.accepted,
        note,
      },
      asExpected: lost === 0 && note === 'session-unknown',
    };
  } finally {
    for (const stream of streams) stream.destroy();
    await middlebox.close();
    await way.close();
    await backend.close();
  }
}

function endingOf(stream: Duplex): Promise<string> {
  return new Promise((resolve) => {
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message));
    stream.on('end', () => resolve('ended'));
  });
}

/** How many bytes went and came back. */
export async function answered(stream: Duplex): Promise<number> {
  stream.write(WORD);
  const [answer] = (await once(stream, 'data')) as [Buffer];
  return WORD.length + answer.length;
}
