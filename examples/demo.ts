/**
 * `npm run demo`: two people, each with an unmodified MQTT client, converse through a relay with certificate
 * verification on. Then the demo searches everything that the relay handled for their words.
 *
 *   Ana ──┐  WebSocket         ┌─────────┐  TCP   ┌───────────────────┐     ┌─────────────┐
 *         ├── recorded here ── │  relay  │ ────── │  recorded here    │ ─── │ chat server │
 *   Babak ┘                    └─────────┘        └───────────────────┘     └─────────────┘
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import tls from 'node:tls';
import { parseArgs } from 'node:util';
import { MqttClient } from 'mqtt';
import { createConnection, dial, PuenteError, type PuenteSocket } from 'puente/node';
import { noisePicture } from '../test/support/fixtures/picture.ts';
import { Recording, recordingDial, startRecordingProxy } from '../test/support/network/recording.ts';
import { nextEvent } from '../test/support/next-event.ts';
import { startChatServer } from '../test/support/servers/chat-server.ts';
import { startRelay } from '../test/support/servers/harness-relay.ts';

const HELP = `npm run demo [-- --json]

Starts a relay and a chat server on this machine, lets two MQTT clients converse through the relay, sends a picture
of 5 MiB, and shows that the relay saw none of it in plaintext. Ends by itself, with exit code 0 if all went well.

  --json      prints one JSON object instead of a transcript
  -h, --help  this text
`;

const TIME_LIMIT = 55_000;
const PICTURE_SIZE = 5 * 1024 * 1024;

/**
 * Bytes from slice to slice. The distance is smaller than any record, so that a single record in plaintext would hold a
 * whole slice.
 */
const SLICE_EVERY = 32 * 1024;
const SLICE_LENGTH = 16;

/** Ana asks, Babak answers. */
const CONVERSATION: [question: string, answer: string][] = [
  ['Hola, Babak. ¿Me lees? Aquí todo está bloqueado, menos este puente.', 'سلام آنا! بله، پیامت از روی پل رسید.'],
  ['¡Qué alegría! Layla también saluda: مرحبا، كيف حالكم؟', 'Передай Лейле привет: у нас всё хорошо.'],
  ['李雷问：大桥通了吗？', '通了！ 🌉🕊️ Hasta mañana, فردا می‌بینمت.'],
];

type Note = (text: string) => void;

async function demonstrate(note: Note) {
  const started = performance.now();
  const ends: (() => Promise<unknown>)[] = [];
  try {
    const seenByServer = new Recording();
    const server = await startChatServer((_topic, payload) => seenByServer.stream()(payload));
    ends.push(server.close);
    const atBackend = new Recording();
    const proxy = await startRecordingProxy(server.port, atBackend);
    ends.push(proxy.close);
    const backend = `localhost:${proxy.port}`;
    const relay = await startRelay({ BACKENDS: backend });
    ends.push(relay.close);
    note(`relay    ✓ ${relay.origin}, for one backend: ${backend}`);

    const atClients = new Recording();
    const ana = await join('Ana', relay.link, { backend, ca: server.ca }, atClients);
    ends.push(ana.leave);
    note(`Ana      ✓ ${relay.origin}, by its link`);
    const babak = await join('Babak', relay.origin, { backend, ca: server.ca }, atClients);
    ends.push(babak.leave);
    note(`Babak    ✓ ${relay.origin}, by its bare address`);

    const { messages, roundTrip } = await converse(ana, babak, note);
    const picture = noisePicture(PICTURE_SIZE);
    const sent = await sendPicture(ana, babak, picture, note);
    const people = [ana, babak].map(({ name, socket }) => ({ name, roundTripMs: socket.roundTrip }));
    for (const { name, roundTripMs } of people) note(`${name.padEnd(8)} round trip to the relay: ${roundTripMs} ms`);
    note(`both     round trip of a message, there and back: ${roundTrip} ms`);

    const texts = CONVERSATION.flat();
    const log = new Recording();
    log.stream()(Buffer.from(relay.logs()));
    const plaintext = searchAll(texts, picture, { seenByServer, atClients, atBackend, log }, note);
    const refusal = await tryAnother(`localhost:${server.port}`, relay.link, note);
    return {
      relay: relay.origin,
      backend,
      people,
      messages,
      messageRoundTripMs: roundTrip,
      picture: sent,
      carriedBytes: { clientsToRelay: atClients.bytes, relayToBackend: atBackend.bytes },
      plaintext,
      refusal,
      seconds: Math.round((performance.now() - started) / 100) / 10,
    };
  } finally {
    // End the clients first, and the servers that they use after them.
    for (const end of ends.reverse()) await end();
  }
}

// --- two people ---------------------------------------------------------------------------------------------------

interface Person {
  name: string;
  client: MqttClient;
  socket: PuenteSocket;
  leave(): Promise<void>;
}

/** @param relay the text that Ana or Babak pasted: a link or a bare address */
async function join(
  name: string,
  relay: string,
  { backend, ca }: { backend: string; ca: string },
  recording: Recording,
): Promise<Person> {
  // An app needs only these two lines, without `dial`, which records the messages for the demo.
  const socket = createConnection(backend, { relay, dial: recordingDial(dial, recording) });
  const secured = tls.connect({ socket, servername: 'localhost', ca });
  const client = new MqttClient(() => secured, { clientId: name, reconnectPeriod: 0 });
  await nextEvent(client, 'connect');
  await client.subscribeAsync(inbox(name), { qos: 1 });
  return { name, client, socket, leave: () => leave(client) };
}

function leave(client: MqttClient): Promise<void> {
  // The chat server hangs up at once after a goodbye. When it has not read all of TLS's own goodbye by then, TCP resets
  // the connection. This happens with or without a relay, and nothing is lost.
  client.on('error', () => {});
  return client.endAsync();
}

function inbox(name: string): string {
  return `inbox/${name}`;
}

/** Resolves when the other person has the payload, byte for byte. */
async function deliver(from: Person, to: Person, payload: Buffer): Promise<{ received: Buffer; ms: number }> {
  const start = performance.now();
  const arrival = nextEvent(to.client, 'message');
  await from.client.publishAsync(inbox(to.name), payload, { qos: 1 });
  const [, received] = await arrival;
  return { received, ms: performance.now() - start };
}

async function converse(ana: Person, babak: Person, note: Note) {
  const messages: { from: string; to: string; text: string; ms: number }[] = [];
  const say = async (from: Person, to: Person, text: string): Promise<void> => {
    const { received, ms } = await deliver(from, to, Buffer.from(text));
    check(received.toString() === text, `what ${from.name} said reached ${to.name} changed`);
    messages.push({ from: from.name, to: to.name, text, ms: rounded(ms) });
    note(`${from.name.padEnd(8)} ${received} (${rounded(ms)} ms)`);
  };
  const roundTrips: number[] = [];
  for (const [question, answer] of CONVERSATION) {
    const start = performance.now();
    await say(ana, babak, question);
    await say(babak, ana, answer);
    roundTrips.push(performance.now() - start);
  }
  // Take the fastest: the first round trips also warm everything up.
  return { messages, roundTrip: rounded(Math.min(...roundTrips)) };
}

async function sendPicture(ana: Person, babak: Person, picture: Buffer, note: Note) {
  const sha256 = createHash('sha256').update(picture).digest('hex');
  note(`Ana      sends a picture: ${picture.length} bytes, SHA-256 ${sha256}`);
  const { received, ms } = await deliver(ana, babak, picture);
  const arrived = createHash('sha256').update(received).digest('hex');
  note(`Babak    has a picture:   ${received.length} bytes, SHA-256 ${arrived} (${rounded(ms)} ms)`);
  check(arrived === sha256, 'the picture arrived damaged');
  return { bytes: picture.length, sha256, arrivedSha256: arrived, ms: rounded(ms) };
}

// --- what the relay could have read -------------------------------------------------------------------------------

interface Recordings {
  seenByServer: Recording;
  atClients: Recording;
  atBackend: Recording;
  log: Recording;
}

function searchAll(texts: string[], picture: Buffer, recordings: Recordings, note: Note) {
  const { seenByServer, atClients, atBackend, log } = recordings;
  const needles = [...texts.map((text) => Buffer.from(text)), ...slices(picture)];
  note(`search   ${texts.length} texts and ${needles.length - texts.length} slices of the picture:`);

  // A search that finds nothing proves nothing, unless the search also finds known text. The server reads every text. A
  // TLS ClientHello names its server in the clear, so this name is in the recording in front of the server.
  const control = {
    atServer: seenByServer.find(needles).length,
    serverNameAtBackend: atBackend.find([Buffer.from('localhost')]).length,
  };
  note(`search   the chat server, which has to read them: ${control.atServer} found`);
  check(control.atServer === needles.length, 'the search is broken: it does not find what the chat server received');
  check(control.serverNameAtBackend === 1, 'the recording is broken: it has no TLS ClientHello');

  const found = {
    atClients: atClients.find(needles).length,
    atBackend: atBackend.find(needles).length,
    inLogs: log.find(needles).length,
  };
  note(`search   between the clients and the relay, ${atClients.bytes} bytes: ${found.atClients} found`);
  note(`search   between the relay and the backend, ${atBackend.bytes} bytes: ${found.atBackend} found`);
  note(`search   in the relay's log, ${log.bytes} bytes: ${found.inLogs} found`);
  check(found.atClients + found.atBackend + found.inLogs === 0, 'the relay handled plaintext');
  const complete = [atClients, atBackend].every(({ bytes }) => bytes > 2 * picture.length);
  check(complete, 'the recording is broken: the picture, up and down, is longer than what was recorded');

  // The inner ClientHello, with the name, is sealed between client and relay.
  const serverNameAtClients = atClients.find([Buffer.from('localhost')]).length;
  check(serverNameAtClients === 0, 'a WebSocket message names the chat server in plaintext');
  return { searchedFor: needles.length, control, found: { ...found, serverNameAtClients } };
}

function slices(picture: Buffer): Buffer[] {
  const starts = Array.from({ length: Math.floor(picture.length / SLICE_EVERY) }, (_, index) => index * SLICE_EVERY);
  // Start after the file's header, which is the same in every picture of this size.
  return starts.map((start) => picture.subarray(start + 64, start + 64 + SLICE_LENGTH));
}

// --- what the relay does not do -----------------------------------------------------------------------------------

/** Tries a backend that exists, but is not on the relay's list. */
async function tryAnother(backend: string, relay: string, note: Note) {
  const socket = createConnection(backend, { relay });
  try {
    await once(socket, 'connect');
  } catch (error) {
    if (!(error instanceof PuenteError) || error.code !== 'backend-not-allowed') throw error;
    note(`refused  ${backend}, which is not on the list: ${error.code}. ${error.message}`);
    return { backend, code: error.code, message: error.message };
  }
  socket.destroy();
  throw new Error(`the relay connected ${backend}, which is not on its list`);
}

// --- the command --------------------------------------------------------------------------------------------------

function check(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function fail(error: unknown, json: boolean): never {
  const message = error instanceof Error ? error.message : String(error);
  if (json) console.log(JSON.stringify({ ok: false, error: message }));
  else console.error(`✗ The demo failed: ${message}\n${error instanceof Error ? error.stack : ''}`);
  process.exit(1);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean', default: false } },
  });
  if (values.help) return void process.stdout.write(HELP);
  const { json } = values;
  let last = 'starting';
  const note: Note = (text) => {
    last = text;
    if (!json) console.log(`${new Date().toISOString().slice(11, 23)}  ${text}`);
  };
  // Catch also errors outside of the promises awaited here, such as a client's 'error' event.
  process.on('uncaughtException', (error) => fail(error, json));
  const late = setTimeout(
    () => fail(`not over after ${TIME_LIMIT / 1000} s; its last line: ${last}`, json),
    TIME_LIMIT,
  );
  try {
    const report = await demonstrate(note);
    if (json) console.log(JSON.stringify({ ok: true, ...report }, undefined, 2));
    else note(`done     ✓ in ${report.seconds} s`);
  } catch (error) {
    fail(error, json);
  } finally {
    clearTimeout(late);
  }
}

await main();
