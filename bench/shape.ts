/**
 * `npm run bench -- shape`: shows the lengths and times that somebody on the way sees of two hundred chats, with TLS
 * inside. It also shows how often the most common length and time occur. A value that is nearly constant marks the
 * tunnel, whatever the tunnel carries.
 */
import { once } from 'node:events';
import tls from 'node:tls';
import { nodeCipher } from '../client/node/cipher.ts';
import { dialer } from '../client/node/dial.ts';
import { PuenteSocket } from '../client/node/duplex.ts';
import type { Runtime } from '../client/runtime.ts';
import { toBase64url } from '../protocol/bytes.ts';
import type { Cipher } from '../protocol/carrier/cipher.ts';
import {
  ACK_DELAY,
  ACK_DELAY_MIN,
  KEEPALIVE,
  KEEPALIVE_MIN,
  PADDED_RECORDS,
  PING_EVERY,
  PING_EVERY_MIN,
  TAG,
} from '../protocol/limits.ts';
import { formatLink } from '../protocol/permits/link.ts';
import { decodeFrames, type Frame } from '../protocol/session/frames.ts';
import { makeCertificate } from '../test/support/fixtures/certificate.ts';
import { random } from '../test/support/fixtures/open-hello.ts';
import { listen } from '../test/support/network/listen.ts';
import { serve } from '../test/support/servers/workerd.ts';
import { bundle } from '../volunteer/relay/bundle.ts';
import { chromiumsFingerprint, type Fingerprint, fingerprintOf } from './client-hello.ts';
import { APPLICATION_DATA, type From, HANDSHAKE, RECORD_HEADER, Tap, type TlsRecord } from './tap.ts';

const SESSIONS = 200;
/** Sessions opened at a time: one process makes the handshakes with the relay and with the backends, on both sides. */
const OPENING = 8;
/** Milliseconds in which all chat, and milliseconds of silence, long enough for three keepalives of the relay. */
const CHAT = 25_000;
const SILENCE = 75_000;

/** The largest share that the most common value may have. */
const GOAL = 0.05;

/** Each range of times is divided into this many parts: by even chance the most common part has 2 %. */
const BINS = 50;

export interface ShapeFigure {
  what: string;
  /** The number of records whose lengths, or times, the figure shows. */
  count: number;
  least: number;
  most: number;
  distinct: number;
  /** The most common value, and its share of all values. */
  common: number;
  share: number;
  /** `undefined`: the value is the runtime's own, or the host's. */
  reached?: boolean;
}

export interface ShapeFigures {
  sessions: number;
  /** In bytes. */
  lengths: ShapeFigure[];
  /** In milliseconds, by bins. */
  times: (ShapeFigure & { bin: number })[];
  /** Bytes on the wire in an hour of silence. */
  idleHour: number;
  clientHello: Fingerprint;
  chromium?: { version: string; fingerprint: Fingerprint };
  reached: boolean;
}

// --- which record is which ------------------------------------------------------------------------------------------

/** A WebSocket message, as the client knows it. */
interface Message {
  /** The frames in the message; the grant has no frames. */
  frames: Frame['type'][];
  length: number;
}

/** The messages that the client's cipher has sealed and opened, in the order of the wire. */
class Sent {
  readonly client: Message[] = [];
  readonly relay: Message[] = [];

  readonly cipher: Cipher = {
    ...nodeCipher,
    sealer: async (key) => {
      const seal = await nodeCipher.sealer(key);
      return (counter, associated, plaintext) => {
        // Only the handshake's messages have associated data, and the hello is no WebSocket message.
        if (associated.length === 0) this.client.push(messageOf(plaintext));
        return seal(counter, associated, plaintext);
      };
    },
    opener: async (key) => {
      const open = await nodeCipher.opener(key);
      return async (counter, associated, sealed) => {
        const plaintext = await open(counter, associated, sealed);
        const grant = { frames: [], length: GRANT_KEY + sealed.length };
        this.relay.push(associated.length === 0 ? messageOf(plaintext) : grant);
        return plaintext;
      };
    },
  };
}

/** The ephemeral key before the grant. */
const GRANT_KEY = 32;

function messageOf(plaintext: Uint8Array<ArrayBuffer>): Message {
  const frames = decodeFrames(plaintext).map(({ type }) => type);
  return { frames: frames.filter((type) => type !== 'pad'), length: plaintext.length + TAG };
}

/**
 * The length of the TLS record with a message: the message, the WebSocket's header, masked or not, the content type,
 * the tag (RFC 8446 section 5.2).
 */
const tlsLength = (from: From) => (message: Message) =>
  message.length + (message.length < 126 ? 2 : 4) + (from === 'client' ? 4 : 0) + 17;

type Seen = TlsRecord & Pick<Message, 'frames'>;

/**
 * The records that one end sent: the record before its first message (the upgrade request, or its answer), and its
 * messages.
 */
function seenOf(tap: Tap, sent: Sent, from: From): { before: TlsRecord; messages: Seen[] } {
  const records = tap.records.filter((record) => record.from === from && record.type === APPLICATION_DATA);
  const expected = sent[from].map(tlsLength(from));
  const start = records.findIndex((_, at) => expected.every((length, index) => records[at + index]?.length === length));
  if (start < 1) throw new Error(`The records of the ${from} are not those that its messages would make.`);
  const messages = sent[from].map(({ frames }, index) => ({ ...(records[start + index] as TlsRecord), frames }));
  return { before: records[start - 1] as TlsRecord, messages };
}

// --- the chats --------------------------------------------------------------------------------------------------------

const pause = (least: number, most: number) =>
  new Promise((resolve) => setTimeout(resolve, least + Math.random() * (most - least)));
/** The text of a person, or a receipt. */
const words = (most: number) => Buffer.alloc(20 + Math.floor(Math.random() * (most - 20)), 'hola ');

class Chat {
  readonly tap: Tap;
  readonly sent = new Sent();
  readonly #tunnel: PuenteSocket;
  readonly #socket: tls.TLSSocket;

  private constructor(tap: Tap, backend: string, key: Uint8Array<ArrayBuffer>, ca: string) {
    this.tap = tap;
    const runtime: Runtime = { dial: dialer(), cipher: async () => this.sent.cipher, onNetworkChange() {} };
    const relay = formatLink({ url: `https://localhost:${tap.port}/`, key });
    this.#tunnel = new PuenteSocket(runtime, backend, { relay });
    this.#socket = tls.connect({ socket: this.#tunnel, servername: 'localhost', ca });
  }

  static async open(port: number, backend: string, key: Uint8Array<ArrayBuffer>, ca: string): Promise<Chat> {
    const chat = new Chat(await Tap.open(port), backend, key, ca);
    chat.#tunnel.on('error', (error) => chat.#socket.destroy(error));
    await once(chat.#socket, 'secureConnect');
    return chat;
  }

  async talk(until: number): Promise<void> {
    while (performance.now() < until) {
      await pause(300, 2500);
      this.#socket.write(words(300));
    }
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    this.#tunnel.destroy();
    await this.tap.close();
  }
}

/**
 * Answers half of the messages with a text of its own, and acknowledges the others. Each answer comes soon or at once.
 */
async function answer(socket: tls.TLSSocket): Promise<void> {
  for await (const _ of socket) {
    if (Math.random() < 0.5) await pause(0, 2000);
    socket.write(words(Math.random() < 0.5 ? 300 : 40));
  }
}

/** @param progress called with a text on how far the run is */
export async function shape(progress: (text: string) => void): Promise<ShapeFigures> {
  progress('bundling the Worker');
  const certificate = await makeCertificate();
  tls.setDefaultCACertificates([...tls.getCACertificates(), certificate.cert]);
  const backend = tls.createServer(certificate, (socket) => void answer(socket).catch(() => {}));
  const backends = await listen(backend);
  const address = `127.0.0.1:${backends.port}`;
  const secret = random(32);
  const key = await nodeCipher.publicKey(secret);
  const vars = { RELAY_KEY: toBase64url(secret), BACKENDS: address };
  const worker = await serve(bundle('wrangler.toml'), vars, certificate);
  const chats: Chat[] = [];
  try {
    while (chats.length < SESSIONS) {
      progress(`${chats.length} of ${SESSIONS} sessions are open`);
      const open = () => Chat.open(worker.tlsPort, address, key, certificate.cert);
      chats.push(...(await Promise.all(Array.from({ length: Math.min(OPENING, SESSIONS - chats.length) }, open))));
    }
    progress(`all chat for ${CHAT / 1000} s`);
    const until = performance.now() + CHAT;
    await Promise.all(chats.map((chat) => chat.talk(until)));
    for (let left = SILENCE; left > 0; left -= 15_000) {
      progress(`silence for another ${left / 1000} s`);
      await pause(15_000, 15_000);
    }
    progress('asking Chromium');
    return figuresOf(chats, await chromiumsFingerprint());
  } finally {
    await Promise.all(chats.map((chat) => chat.close()));
    await worker.stop();
    await backends.close();
  }
}

// --- what is seen of them -----------------------------------------------------------------------------------------------

function figuresOf(chats: Chat[], chromium: ShapeFigures['chromium']): ShapeFigures {
  const lengths: Record<string, number[]> = {};
  const times: Record<string, number[]> = {};
  const note = (samples: Record<string, number[]>, what: string, sample: number) => {
    samples[what] ??= [];
    samples[what].push(sample);
  };
  let [idleBytes, idleTime] = [0, 0];
  for (const { tap, sent } of chats) {
    const [client, relay] = [seenOf(tap, sent, 'client'), seenOf(tap, sent, 'relay')];
    note(lengths, CLIENT_HELLO, tap.records.find(({ type }) => type === HANDSHAKE)?.length ?? 0);
    note(lengths, 'upgrade request', client.before.length);
    note(lengths, 'answer', relay.before.length);
    const [grant, ...records] = relay.messages;
    note(lengths, 'grant', grant?.length ?? 0);
    for (const [messages, others] of [
      [client.messages, records],
      [records, client.messages],
    ] as const)
      noteRecords(
        messages,
        others,
        (what, length) => note(lengths, what, length),
        (what, time) => note(times, what, time),
      );
    const idle = idleTraffic(tap.records, [...client.messages, ...records]);
    idleBytes += idle.bytes;
    idleTime += idle.time;
  }
  const figures = { lengths: Object.entries(lengths).map(lengthFigure), times: Object.entries(times).map(timeFigure) };
  return {
    sessions: chats.length,
    ...figures,
    idleHour: Math.round((3_600_000 * idleBytes) / idleTime),
    clientHello: fingerprintOf(chats[0]?.tap.clientHello as Uint8Array<ArrayBuffer>),
    ...(chromium && { chromium }),
    reached: [...figures.lengths, ...figures.times].every(({ reached }) => reached !== false),
  };
}

const CLIENT_HELLO = 'ClientHello';
const TIMES: Record<string, [least: number, most: number]> = {
  'silence before a keepalive': [KEEPALIVE_MIN, KEEPALIVE],
  'delay of an ACK': [ACK_DELAY_MIN, ACK_DELAY],
  'from PING to PING': [PING_EVERY_MIN, PING_EVERY],
};

/** @param others the records of the other end */
function noteRecords(
  messages: Seen[],
  others: Seen[],
  length: (what: string, bytes: number) => void,
  time: (what: string, ms: number) => void,
): void {
  let acknowledged = 0;
  let pinged = 0;
  for (const [index, { from, at, frames, length: bytes }] of messages.entries()) {
    const what = kindOf(frames, at - (messages[index - 1]?.at ?? at));
    if (index < PADDED_RECORDS) length(`first ${PADDED_RECORDS} records of the ${from}`, bytes);
    else if (what !== 'DATA') length(what, bytes);
    if (what === 'keepalive') time('silence before a keepalive', at - (messages[index - 1]?.at ?? at));
    if (frames.includes('ping') && from === 'client') {
      if (pinged > 0 && at - pinged < 2 * PING_EVERY) time('from PING to PING', at - pinged);
      pinged = at;
    }
    if (!frames.includes('ack')) continue;
    const owedSince = others.find((other) => other.at > acknowledged && other.frames.includes('data'))?.at ?? at;
    const delay = at - owedSince;
    if ((what === 'ACK' || what === 'PING') && delay > ACK_DELAY_MIN / 2 && delay < 2 * ACK_DELAY)
      time('delay of an ACK', delay);
    acknowledged = at;
  }
}

/** @param silence milliseconds of silence of the sender before the record */
function kindOf(frames: Frame['type'][], silence: number): string {
  if (frames.includes('data')) return 'DATA';
  if (frames.includes('pong')) return 'PONG';
  if (frames.includes('ping')) return 'PING';
  return silence < KEEPALIVE_MIN / 2 ? 'ACK' : 'keepalive';
}

/**
 * Bytes of the headers of TCP with its timestamps and of IPv4, for a packet and for the packet that acknowledges it.
 */
const PACKETS = 2 * 52;

/** The traffic from the last word, and the records that this word caused, to the last record. */
function idleTraffic(records: TlsRecord[], messages: Seen[]): { bytes: number; time: number } {
  const spoken = Math.max(...messages.filter(({ frames }) => frames.includes('data')).map(({ at }) => at));
  const idle = records.filter(({ at }) => at > spoken + 2 * ACK_DELAY);
  const bytes = idle.reduce((sum, { length }) => sum + length + RECORD_HEADER + PACKETS, 0);
  return { bytes, time: (idle.at(-1)?.at ?? spoken) - spoken };
}

function lengthFigure([what, samples]: [string, number[]]): ShapeFigure {
  const figure = figureOf(what, samples, 1);
  return what === CLIENT_HELLO ? figure : { ...figure, reached: figure.share <= GOAL };
}

function timeFigure([what, samples]: [string, number[]]): ShapeFigure & { bin: number } {
  const [least, most] = TIMES[what] as [number, number];
  const bin = (most - least) / BINS;
  const figure = figureOf(what, samples, bin);
  return { ...figure, bin, reached: figure.share <= GOAL };
}

function figureOf(what: string, samples: number[], bin: number): ShapeFigure {
  const counts = new Map<number, number>();
  for (const sample of samples) {
    const value = bin * Math.floor(sample / bin);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const [common, times] = [...counts].reduce((one, other) => (other[1] > one[1] ? other : one));
  return {
    what,
    count: samples.length,
    least: Math.round(Math.min(...samples)),
    most: Math.round(Math.max(...samples)),
    distinct: counts.size,
    common,
    share: times / samples.length,
  };
}

// --- as a table -------------------------------------------------------------------------------------------------------

/** The properties that Puente's padding cannot hide. */
const CONSTANT = `What stays constant, and why:
- the ClientHello, and the client's part of TLS's handshake after it (Finished): they are the runtime's own.
- the relay's part of TLS's handshake (ServerHello, certificate, tickets): the host's own, as for all its sites.
- the other headers of the upgrade request and of its answer: the host's name, the runtime's, and the host's own.
- that a small record of the relay's comes every 20 to 30 s, and none of the client's: a client's messages are billed.
- RESET, and the WebSocket's close: two lengths, once in a session.
- how the lengths of an app's own messages differ, beyond the first ${PADDED_RECORDS} records: they are what the app makes them.`;

export function shapeTable({
  sessions,
  lengths,
  times,
  idleHour,
  clientHello,
  chromium,
  reached,
}: ShapeFigures): string {
  const row = (cells: string[]) => cells.map((cell, at) => (at === 0 ? cell.padEnd(34) : cell.padStart(11))).join('');
  const line = ({ what, count, least, most, distinct, common, share, reached }: ShapeFigure, digits = 0) =>
    row([
      what,
      ...[count, least, most, distinct].map(String),
      common.toFixed(digits),
      `${(100 * share).toFixed(1)} %`,
      reached === undefined ? '' : reached ? 'reached' : 'MISSED',
    ]);
  const head = (what: string) => row([what, 'seen', 'least', 'most', 'distinct', 'most common', 'its share', 'goal']);
  const fields = Object.keys(clientHello).flatMap((field) => [
    `${field}:`,
    `  Node       ${clientHello[field]}`,
    ...(chromium ? [`  Chromium   ${chromium.fingerprint[field]}`] : []),
  ]);
  return [
    head('TLS records, bytes'),
    ...lengths.map((figure) => line(figure)),
    '',
    head('Times, ms'),
    ...times.map((figure) => line(figure, 1)),
    '',
    `${sessions} sessions. Goal: no value has more than ${100 * GOAL} %. Times are in bins: ${times.map(({ what, bin }) => `${what} ${bin} ms`).join(', ')}.`,
    `An idle hour takes ${(idleHour / 1000).toFixed(1)} KB on the wire, with TCP's and IPv4's headers and an ACK packet for each record.`,
    '',
    CONSTANT,
    '',
    `ClientHello of Node ${process.version}, and of ${chromium ? `Chromium ${chromium.version}, which shuffles its extensions` : 'Chromium, which is not installed: apt-get install chromium'}:`,
    ...fields,
    '',
    reached ? 'Every goal is reached.' : 'NOT every goal is reached.',
  ].join('\n');
}
