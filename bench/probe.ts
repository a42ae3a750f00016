/** `npm run bench -- probe`: how long a private relay takes over strangers, beside a freshly made Worker. */
import net from 'node:net';
import { type Offer, PrivateRelay } from '../test/support/fixtures/private-relay.ts';
import { knock, offering, requestOf, UPGRADE } from '../test/support/network/exchange.ts';
import { helloWorld, relay } from '../test/support/servers/decoys.ts';
import { bundle } from '../volunteer/relay/bundle.ts';
import { quantile } from './statistics.ts';

/** Of each kind, to each of the two. */
const REQUESTS = 2000;
/** Before anything is measured: what is compiled and read once. */
const WARM_UP = 200;
/** Milliseconds by which no median may differ. */
const BOUND = 1;

interface Times {
  median: number;
  p90: number;
}

export interface ProbeFigure {
  kind: string;
  relay: Times;
  reference: Times;
  /** Of the medians. */
  difference: number;
}

export interface ProbeFigures {
  requests: number;
  /** Milliseconds. */
  figures: ProbeFigure[];
  /** Whether every median is within a millisecond of the reference's. */
  within: boolean;
}

/** A request makes its text anew where its bytes are not to repeat. */
type Kinds = Record<string, () => Promise<string>>;

async function kindsOf(of: PrivateRelay, port: number): Promise<Kinds> {
  const upgrade = (offer: Offer) => async () => requestOf('GET / HTTP/1.1', [...UPGRADE, ...offering(await offer())]);
  const strangers = of.strangers();
  const stranger = (what: string) => upgrade(strangers[what] as Offer);
  const replay = await upgrade(of.valid())();
  if ((await knock(port, replay)) !== 101) throw new Error('The relay does not admit a good hello.');
  return {
    'GET /': async () => requestOf('GET / HTTP/1.1'),
    'random subprotocols': stranger('a random hello'),
    'hello for another key': stranger('another key'),
    'stale hello': stranger('a stale hello'),
    'expired invite': stranger('an expired invite'),
    replay: async () => replay,
  };
}

/** @param progress is told how far it is */
export async function probe(progress: (text: string) => void): Promise<ProbeFigures> {
  progress('bundling the Worker');
  // Port 1 refuses: nothing is opened but the one session whose hello is replayed.
  const of = new PrivateRelay('127.0.0.1:1', '127.0.0.1:1');
  const worker = bundle('wrangler.toml');
  const [served, reference] = [await relay(worker, { ...of.vars, HUBS: '0' }), await helloWorld(worker)];
  const [ours, theirs] = [await Connection.open(served.port), await Connection.open(reference.port)];
  try {
    const kinds = Object.entries(await kindsOf(of, served.port));
    const samples = new Map(kinds.map(([kind]) => [kind, { relay: [] as number[], reference: [] as number[] }]));
    for (let round = -WARM_UP; round < REQUESTS; round += 1) {
      if (round % 500 === 0) progress(`${round} of ${REQUESTS} requests of each kind`);
      for (const [kind, request] of kinds) {
        const text = await request();
        // Whoever comes second finds the processor's caches full of the first.
        const first = round % 2 === 0;
        const times = first
          ? [await ours.time(text), await theirs.time(text)]
          : [await theirs.time(text), await ours.time(text)];
        const [relay, reference] = first ? times : times.toReversed();
        if (round >= 0) {
          samples.get(kind)?.relay.push(relay as number);
          samples.get(kind)?.reference.push(reference as number);
        }
      }
    }
    return summary(samples);
  } finally {
    ours.close();
    theirs.close();
    await Promise.all([served.stop(), reference.stop()]);
  }
}

function summary(samples: Map<string, { relay: number[]; reference: number[] }>): ProbeFigures {
  const times = (of: number[]): Times => ({ median: quantile(of, 0.5), p90: quantile(of, 0.9) });
  const figures = [...samples].map(([kind, of]) => {
    const [relay, reference] = [times(of.relay), times(of.reference)];
    return { kind, relay, reference, difference: relay.median - reference.median };
  });
  const within = figures.every(({ difference }) => Math.abs(difference) <= BOUND);
  return { requests: REQUESTS, figures, within };
}

const ANSWER_END = 'Hello World!';

/** One connection that is kept alive. */
class Connection {
  readonly #socket: net.Socket;
  #received = '';
  #answered: (() => void) | undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#received += text;
      if (this.#received.endsWith(ANSWER_END)) this.#answered?.();
    });
  }

  static async open(port: number): Promise<Connection> {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Connection(socket);
  }

  /** Milliseconds from a request to the end of its answer. */
  async time(request: string): Promise<number> {
    this.#received = '';
    const answered = new Promise<void>((resolve, reject) => {
      this.#answered = resolve;
      this.#socket.once('close', () => reject(new Error('The connection was not kept alive.')));
    });
    const start = performance.now();
    this.#socket.write(request, 'latin1');
    await answered;
    const elapsed = performance.now() - start;
    this.#socket.removeAllListeners('close');
    return elapsed;
  }

  close(): void {
    this.#socket.destroy();
  }
}

export function probeTable({ requests, figures, within }: ProbeFigures): string {
  const row = (cells: string[]) => cells.map((cell, at) => (at === 0 ? cell.padEnd(22) : cell.padStart(20))).join('');
  const shown = ({ median, p90 }: Times) => `${median.toFixed(3)} (${p90.toFixed(3)})`;
  return [
    row(['', 'relay', 'Hello World!', 'difference']),
    ...figures.map(({ kind, relay, reference, difference }) =>
      row([kind, shown(relay), shown(reference), difference.toFixed(3)]),
    ),
    '',
    `Milliseconds, medians (90th percentile) of ${requests} requests of each kind on a connection that is kept alive.`,
    within ? `Every median is within ${BOUND} ms.` : `NOT every median is within ${BOUND} ms.`,
  ].join('\n');
}
