/**
 * `npm run bench -- probe`: measures how long a private relay takes to answer strangers. Beside the relay, it measures
 * an ordinary Worker that serves the same site and shares no code with the relay. It also measures such a Worker that
 * makes the one HMAC that any gate costs.
 */
import net from 'node:net';
import { build } from 'esbuild';
import { toBase64url } from '../protocol/bytes.ts';
import { tokenTail } from '../protocol/permits/token.ts';
import { random } from '../test/support/fixtures/open-hello.ts';
import { type Offer, PrivateRelay } from '../test/support/fixtures/private-relay.ts';
import { knock, offering, requestOf, UPGRADE } from '../test/support/network/exchange.ts';
import { relay, type Served } from '../test/support/servers/decoys.ts';
import { type Bundle, bundle } from '../volunteer/relay/bundle.ts';
import { auc, quantile, welchT } from './statistics.ts';

/** Requests of each kind, to each of the three servers. */
const REQUESTS = 4000;
/** New processes of each Worker. The times of one Worker differ by 20 microseconds from process to process. */
const RUNS = 20;
/** Rounds of all kinds in which a new process compiles its code. These rounds are not measured. */
const WARM_UP = 150;
/** Pairs of offers that differ only in the hello's first 32 bytes. */
const PAIRS = 6000;
/** Starts of each Worker, for each kind of first request. */
const STARTS = 40;

/**
 * The limits of the goals: without a well-formed offer, and with one. The limits are microseconds more than the site,
 * and how far AUC may be from a half.
 */
const GOALS = { plain: { median: 10, auc: 0.1 }, offer: { median: 40, aboveFloor: 0.03 }, pairs: { t: 3 } } as const;

type Server = 'relay' | 'site' | 'floor';
type Samples = Record<Server, number[]>;

export interface ProbeFigure {
  kind: string;
  /** Whether the request has a well-formed offer. */
  isOffer: boolean;
  /** Medians in microseconds. */
  medians: Record<Server, number>;
  /** Relay against site, and floor against site. */
  t: number;
  auc: number;
  floorAuc: number;
  /** `undefined`: there is no goal. */
  reached?: boolean;
}

export interface ProbeFigures {
  requests: number;
  figures: ProbeFigure[];
  /** Zeros against random bytes at the hello's beginning. */
  pairs: { count: number; difference: number; t: number; reached: boolean };
  /** The first request after a start. */
  starts: ProbeFigure[];
  reached: boolean;
}

interface Kind {
  isOffer: boolean;
  /** The sender has a link: the gate is open to the request. */
  isReplay?: boolean;
  request(): Promise<string>;
}

// --- what is asked --------------------------------------------------------------------------------------------------

const upgrade = (subprotocols: string) => requestOf('GET / HTTP/1.1', [...UPGRADE, ...offering(subprotocols)]);
/** A token of any possible length. */
const token = () => toBase64url(random(12)) + tokenTail(random);
const SIZE = 304;
const REPLAY = 'replayed hello';

/** A hello that nobody can open, with the given first 32 bytes. */
function hello(beginning: Uint8Array<ArrayBuffer>): string {
  const bytes = random(SIZE);
  bytes.set(beginning);
  return toBase64url(bytes);
}

async function kindsOf(of: PrivateRelay): Promise<Record<string, Kind>> {
  const strangers = of.strangers();
  const replay = upgrade((await of.valid()()) as string);
  const plain = (request: () => string): Kind => ({ isOffer: false, request: async () => request() });
  const offer = (subprotocols: () => string): Kind => ({ isOffer: true, request: async () => upgrade(subprotocols()) });
  return {
    GET: plain(() => requestOf('GET / HTTP/1.1')),
    HEAD: plain(() => requestOf('HEAD / HTTP/1.1')),
    POST: plain(() => requestOf('POST / HTTP/1.1', ['Content-Length: 5'], 'hello')),
    'upgrade to h2c': plain(() => requestOf('GET / HTTP/1.1', ['Connection: Upgrade', 'Upgrade: h2c'])),
    'upgrade, no offer': plain(() => requestOf('GET / HTTP/1.1', UPGRADE)),
    'upgrade, graphql-ws': plain(() => upgrade('graphql-ws, graphql-transport-ws')),
    'malformed hello': plain(() => upgrade(`${token()}, ${hello(random(32)).slice(0, -1)}!`)),
    'hello of zeros': offer(() => `${token()}, ${hello(new Uint8Array(32))}`),
    'random hello': offer(() => `${token()}, ${hello(random(32))}`),
    'hello for another key': {
      isOffer: true,
      request: async () => upgrade((await (strangers['another key'] as Offer)()) as string),
    },
    [REPLAY]: { isOffer: true, isReplay: true, request: async () => replay },
  };
}

// --- who answers ------------------------------------------------------------------------------------------------------

/** @param like gives the compatibility date */
async function floorOf(name: 'site' | 'gate', like: Bundle): Promise<Bundle> {
  const { outputFiles } = await build({
    entryPoints: [new URL(`floor/${name}.ts`, import.meta.url).pathname],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  return { ...like, objects: {}, script: outputFiles[0]?.text ?? '' };
}

/** @param progress called with a text on how far the probe is */
export async function probe(progress: (text: string) => void): Promise<ProbeFigures> {
  progress('bundling the Workers');
  // Port 1 refuses. Only one session is opened, and the hello of this session is replayed.
  const of = new PrivateRelay('127.0.0.1:1', '127.0.0.1:1');
  const ours = bundle('wrangler.toml');
  const [site, floor] = [await floorOf('site', ours), await floorOf('gate', ours)];
  const start = {
    relay: () => relay(ours, { ...of.vars, HUBS: '0' }),
    site: () => relay(site, {}),
    floor: () => relay(floor, {}),
  };
  const samples: Record<string, Samples> = {};
  const times: PairTimes = { zeros: [], random: [] };
  for (let run = 1; run <= RUNS; run += 1) {
    progress(`processes ${run} of ${RUNS}: ${REQUESTS / RUNS} requests of each kind`);
    const served = { relay: await start.relay(), site: await start.site(), floor: await start.floor() };
    const connections = await openAll(served);
    try {
      const kinds = await kindsOf(of);
      await expectAdmitted(kinds, served.relay.port);
      await timeKinds(kinds, connections, samples);
      await timePairs(connections.relay, times);
    } finally {
      for (const connection of Object.values(connections)) connection.close();
      await Promise.all(Object.values(served).map((one) => one.stop()));
    }
  }
  const kinds = await kindsOf(of);
  const figures = Object.entries(kinds).map(([name, kind]) => figureOf(name, kind, samples[name] ?? noSamples()));
  const pairs = pairsOf(times);
  const starts = await timedStarts(kinds, start, progress);
  const reached = figures.every((figure) => figure.reached !== false) && pairs.reached;
  return { requests: REQUESTS, figures, pairs, starts, reached };
}

async function openAll(served: Record<Server, Served>): Promise<Record<Server, Connection>> {
  return {
    relay: await Connection.open(served.relay.port),
    site: await Connection.open(served.site.port),
    floor: await Connection.open(served.floor.port),
  };
}

/** Checks that the hello is good. From then on the hello is a replay. */
async function expectAdmitted({ [REPLAY]: replay }: Record<string, Kind>, port: number): Promise<void> {
  if (!replay || (await knock(port, await replay.request())) !== 101)
    throw new Error('The relay does not admit a good hello.');
}

// --- how long it takes ------------------------------------------------------------------------------------------------

const SERVERS: readonly Server[] = ['relay', 'site', 'floor'];
const noSamples = (): Samples => ({ relay: [], site: [], floor: [] });

/** Times all kinds, and adds to the samples. */
async function timeKinds(
  kinds: Record<string, Kind>,
  connections: Record<Server, Connection>,
  samples: Record<string, Samples>,
): Promise<void> {
  for (let round = -WARM_UP; round < REQUESTS / RUNS; round += 1) {
    // Take another order each time. A kind may leave something behind, such as a handshake's garbage; all other kinds
    // must meet it alike.
    for (const [name, kind] of shuffled(Object.entries(kinds))) {
      const times = samples[name] ?? noSamples();
      samples[name] = times;
      const text = await kind.request();
      // Change the order of the servers: a later server finds the processor's caches full of the others.
      for (let turn = 0; turn < SERVERS.length; turn += 1) {
        const server = SERVERS[(turn + round + WARM_UP) % SERVERS.length] as Server;
        const time = await connections[server].time(text);
        if (round >= 0) times[server].push(time);
      }
    }
  }
}

function shuffled<T>(all: T[]): T[] {
  return all
    .map((one) => ({ one, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

function figureOf(name: string, { isOffer, isReplay }: Kind, of: Samples): ProbeFigure {
  const median = (server: Server) => quantile(of[server], 0.5);
  const figure: ProbeFigure = {
    kind: name,
    isOffer,
    medians: { relay: median('relay'), site: median('site'), floor: median('floor') },
    t: welchT(of.relay, of.site),
    auc: auc(of.relay, of.site),
    floorAuc: auc(of.floor, of.site),
  };
  if (isReplay) return figure;
  const difference = figure.medians.relay - figure.medians.site;
  const reached = isOffer
    ? difference <= GOALS.offer.median && figure.auc - figure.floorAuc <= GOALS.offer.aboveFloor
    : difference <= GOALS.plain.median && Math.abs(figure.auc - 0.5) <= GOALS.plain.auc;
  return { ...figure, reached };
}

type PairTimes = Record<'zeros' | 'random', number[]>;

/** Times pairs of offers, and adds to the times. */
async function timePairs(connection: Connection, times: PairTimes): Promise<void> {
  for (let pair = 0; pair < PAIRS / RUNS; pair += 1) {
    const [same, rest] = [token(), random(SIZE)];
    const offerWith = (beginning: Uint8Array<ArrayBuffer>) => {
      const bytes = rest.slice();
      bytes.set(beginning);
      return upgrade(`${same}, ${toBase64url(bytes)}`);
    };
    const texts = { zeros: offerWith(new Uint8Array(32)), random: offerWith(random(32)) };
    const order = pair % 2 === 0 ? (['zeros', 'random'] as const) : (['random', 'zeros'] as const);
    for (const name of order) times[name].push(await connection.time(texts[name]));
  }
}

function pairsOf(times: PairTimes): ProbeFigures['pairs'] {
  const t = welchT(times.zeros, times.random);
  const difference = quantile(times.zeros, 0.5) - quantile(times.random, 0.5);
  return { count: PAIRS, difference, t, reached: Math.abs(t) < GOALS.pairs.t };
}

async function timedStarts(
  kinds: Record<string, Kind>,
  start: Record<Server, () => Promise<Served>>,
  progress: (text: string) => void,
): Promise<ProbeFigure[]> {
  const first = ['GET', 'random hello'].map((name) => ({ name, kind: kinds[name] as Kind, of: noSamples() }));
  for (let round = 0; round < STARTS; round += 1) {
    if (round % 10 === 0) progress(`${round} of ${STARTS} starts`);
    for (const { kind, of } of first)
      for (let turn = 0; turn < SERVERS.length; turn += 1) {
        const server = SERVERS[(turn + round) % SERVERS.length] as Server;
        const served = await start[server]();
        const connection = await Connection.open(served.port);
        of[server].push(await connection.time(await kind.request()));
        connection.close();
        await served.stop();
      }
  }
  return first.map(({ name, kind, of }) => {
    const { reached: _, ...figure } = figureOf(`first after a start: ${name}`, kind, of);
    return figure;
  });
}

/** One connection, kept alive. */
class Connection {
  readonly #socket: net.Socket;
  #received = '';
  #isHead = false;
  #answered: (() => void) | undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#received += text;
      if (this.#isWhole) this.#answered?.();
    });
  }

  get #isWhole(): boolean {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#received.slice(0, end + 2))?.[1] ?? 0;
    return this.#isHead || this.#received.length >= end + 4 + Number(length);
  }

  static async open(port: number): Promise<Connection> {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Connection(socket);
  }

  /** Microseconds from a request to the end of its answer. */
  async time(request: string): Promise<number> {
    this.#received = '';
    this.#isHead = request.startsWith('HEAD');
    const answered = new Promise<void>((resolve, reject) => {
      this.#answered = resolve;
      this.#socket.once('close', () => reject(new Error('The connection was not kept alive.')));
    });
    const start = performance.now();
    this.#socket.write(request, 'latin1');
    await answered;
    const elapsed = performance.now() - start;
    this.#socket.removeAllListeners('close');
    return 1000 * elapsed;
  }

  close(): void {
    this.#socket.destroy();
  }
}

// --- as a table -------------------------------------------------------------------------------------------------------

export function probeTable({ requests, figures, pairs, starts, reached }: ProbeFigures): string {
  const row = (cells: string[]) => cells.map((cell, at) => (at === 0 ? cell.padEnd(36) : cell.padStart(11))).join('');
  const line = ({ kind, medians, t, auc, floorAuc, reached }: ProbeFigure) =>
    row([
      kind,
      ...[medians.relay, medians.site, medians.floor].map((median) => median.toFixed(0)),
      (medians.relay - medians.site).toFixed(1),
      t.toFixed(1),
      auc.toFixed(3),
      floorAuc.toFixed(3),
      reached === undefined ? '' : reached ? 'reached' : 'MISSED',
    ]);
  const head = row(['', 'relay, us', 'site', 'floor', 'difference', "Welch's t", 'AUC', 'floor AUC', 'goal']);
  return [
    head,
    ...figures.map(line),
    ...starts.map(line),
    '',
    `Zeros against random bytes at the beginning of the hello, ${pairs.count} pairs: ${pairs.difference.toFixed(1)} us, t = ${pairs.t.toFixed(2)}.`,
    `Medians of ${requests} requests of each kind (${STARTS} for starts) on connections that are kept alive, in ${RUNS} processes; differences, t and AUC to the site.`,
    'site: an ordinary Hono Worker. floor: the same with one HMAC over a well-formed offer. A replay comes from somebody who saw a link’s hello.',
    reached ? 'Every goal is reached.' : 'NOT every goal is reached.',
  ].join('\n');
}
