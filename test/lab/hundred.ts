/** A hundred sessions in one hub: none lost, none slowed down by another, and the relay's memory. */
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../../bench/statistics.ts';
import type { KnownBytesCheck } from '../support/fixtures/bytes.ts';
import { echo, startBackend } from '../support/servers/backend.ts';
import { arriving, download, exchange, openMany, pourInto } from './crowd.ts';
import { watchIsolate } from './isolate.ts';
import type { Check, Lab } from './lab.ts';
import { type Middlebox, startMiddlebox } from './middlebox.ts';
import type { Outcome, Row } from './row.ts';
import { type Silence, startSilence } from './silence.ts';
import { type PuenteWay, puenteTo } from './ways.ts';

const SESSIONS = 100;
const LENGTH = 1024 * 1024;
const CUTS = 4;
/** What Cloudflare lets an isolate have. */
const MEMORY_MAX = 128_000_000;
/** What the others must keep, in per cent. */
const KEPT_MIN = 90;
/** How often one stops, and for how long. The middle counts: what else the machine does slows the others down now and then only. */
const STOPS = 5;
const MEASURED = 2000;

export const hundreds: Check[] = [
  check('100 sessions in a hub, all cut 4 times', echo, cutOften),
  check('100 sessions in a hub, one stops reading', (socket) => pourInto(socket, 1), stopReading),
];

interface Setting {
  way: PuenteWay;
  middlebox: Middlebox;
  silence: Silence;
}

/** The rest of a row is the same for both. */
type Findings = Pick<Row, 'delivered' | 'lost' | 'note'> & { asExpected: boolean };

function check(name: string, serve: (socket: net.Socket) => void, run: (setting: Setting) => Promise<Findings>): Check {
  return { name, run: (lab) => inHub(name, lab, serve, run) };
}

async function inHub(
  scenario: string,
  lab: Lab,
  serve: (socket: net.Socket) => void,
  run: (setting: Setting) => Promise<Findings>,
): Promise<Outcome> {
  const backend = await startBackend(serve);
  const silence = await startSilence(backend.port);
  const way = await puenteTo(silence.port, lab.relay, lab.certificate, { inspected: true });
  const middlebox = await startMiddlebox(way.port);
  const isolate = await watchIsolate(way.worker);
  try {
    const { asExpected, note, delivered, lost } = await run({ way, middlebox, silence });
    const memory = `its isolate took ${inMB(isolate.most)} MB, its process ${inMB(isolate.mostOfProcess)} MB`;
    const row: Row = {
      scenario,
      relay: 'puente',
      passed: lost === 0,
      delivered,
      lost,
      duplicated: 0,
      recoverMs: Math.round(silence.longest),
      carriers: middlebox.accepted,
      note: [note, memory].filter(Boolean).join(', '),
    };
    return { row, asExpected: asExpected && isolate.most < MEMORY_MAX };
  } finally {
    isolate.close();
    await middlebox.close();
    await way.close();
    await silence.close();
    await backend.close();
  }
}

async function cutOften({ way, middlebox, silence }: Setting): Promise<Findings> {
  const whole = SESSIONS * LENGTH;
  let delivered = 0;
  let cuts = 0;
  const arrived = (bytes: number) => {
    delivered += bytes;
    if (cuts === CUTS || delivered < ((cuts + 1) * whole) / (CUTS + 1)) return;
    cuts += 1;
    middlebox.cutAll('rst');
  };
  const streams = await openMany(SESSIONS, () => silence.hear(way.open(middlebox.port)));
  const ends = await Promise.allSettled(streams.map((stream, seed) => exchange(stream, seed, LENGTH, arrived)));
  const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []));
  return {
    delivered,
    lost: whole - delivered,
    note: [...new Set(reasons)].join(', '),
    asExpected: reasons.length === 0,
  };
}

async function stopReading({ way, middlebox, silence }: Setting): Promise<Findings> {
  const all: KnownBytesCheck[] = [];
  const errors = new Set<string>();
  const streams = await openMany(SESSIONS, () => {
    const stream = silence.hear(way.open(middlebox.port)).on('error', ({ code, message }: NodeJS.ErrnoException) => {
      errors.add(code ?? message);
    });
    all.push(download(stream, 1));
    return stream;
  });
  const [first] = streams;
  const others = all.slice(1);
  await sleep(MEASURED);
  const arrived = [await arriving(others, MEASURED)];
  const shares: number[] = [];
  for (let stops = 0; stops < STOPS; stops += 1) {
    const before = arrived.at(-1) as number;
    first?.pause();
    const meanwhile = await arriving(others, MEASURED);
    first?.resume();
    const after = await arriving(others, MEASURED);
    arrived.push(meanwhile, after);
    shares.push(Math.round((200 * meanwhile) / (before + after)));
  }
  const isWhole = errors.size === 0 && streams.every(({ destroyed }) => !destroyed);
  for (const stream of streams) stream.destroy();
  return {
    delivered: arrived.reduce((sum, bytes) => sum + bytes),
    lost: 0,
    note: [`the others kept ${shares.join(', ')} %`, ...errors].join(', '),
    asExpected: isWhole && quantile(shares, 0.5) >= KEPT_MIN,
  };
}

function inMB(bytes: number): number {
  return Math.round(bytes / 1_000_000);
}
