/** The example chat's server, to its own app, to a stock MQTT client, to strangers; and what can be read on the way and in it. */
import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as soon } from 'node:timers/promises';
import { MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Identity, newIdentity } from '../../../examples/chat/net/chat.ts';
import { inboxOf, keyOf, proofOf, topicOf } from '../../../examples/chat/net/identity.ts';
import { Incoming } from '../../../examples/chat/net/incoming.ts';
import { openFrom, sealFor } from '../../../examples/chat/net/seal.ts';
import {
  CLIENT_HELLO,
  decodeHandshake,
  encodeHandshake,
  framed,
  HEADER,
  PROLOGUE,
  RECORD_MAX,
  SERVER_HELLO,
  takeFrame,
} from '../../../examples/chat/net/wire.ts';
import { Opened } from '../../../examples/chat/server/front.ts';
import { type Server, startServer } from '../../../examples/chat/server/server.ts';
import { nextEvent } from '../../../examples/local/next-event.ts';
import { Recording, startRecordingProxy } from '../../../examples/local/recording.ts';
import { startRelay } from '../../../examples/local/relay.ts';
import { type Bytes, bytesOf, concat, EMPTY, fromBase64url } from '../../../protocol/bytes.ts';
import { noble } from '../../../protocol/noble.ts';
import { initiate, PROLOGUE as RELAYS } from '../../../protocol/noise.ts';
import { formsOf } from '../../support/canaries.ts';
import { random } from '../../support/open-hello.ts';
import { until } from '../../support/until.ts';
import { Person } from './people.ts';

let server: Server;
/** All that the server could read. */
const heard = new Recording();
const clients: MqttClient[] = [];

beforeAll(async () => {
  server = await startServer(heard.stream());
});

afterAll(() => server.close());

afterEach(async () => {
  vi.unstubAllGlobals();
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
});

const portOf = (backend: string): number => Number(backend.split(':')[1]);

function dial(): net.Socket {
  return net.connect(portOf(server.address.backend), '127.0.0.1');
}

/** The app's end of a handshake with the front, in Node. */
async function openNoise(prologue = PROLOGUE): Promise<Opened> {
  const socket = dial();
  const handshake = await initiate(noble, prologue, keyOf(server.address.key), random(32));
  socket.write(concat(HEADER, framed(encodeHandshake(CLIENT_HELLO, await handshake.writeHello(EMPTY)))));
  const incoming = new Incoming(socket.iterator({ destroyOnReturn: false }));
  const answer = decodeHandshake(SERVER_HELLO, (await takeFrame(incoming)) ?? EMPTY);
  return new Opened(socket, incoming, (await handshake.readGrant(answer)).transport, () => {});
}

interface Login {
  clientId: string;
  username: string;
  password: Buffer;
}

function loginOf({ code, secret }: Identity, { channel }: Opened): Login {
  const shared = noble.sharedSecret(fromBase64url(secret) as Bytes, keyOf(server.address.key));
  return { clientId: inboxOf(code), username: code, password: Buffer.from(proofOf(shared, channel)) };
}

function mqtt(stream: Duplex, login: Login): MqttClient {
  const client = new MqttClient(() => stream, { ...login, clean: false, reconnectPeriod: 0 });
  client.on('error', () => {});
  clients.push(client);
  return client;
}

async function join(identity: Identity): Promise<MqttClient> {
  const stream = await openNoise();
  const client = mqtt(stream, loginOf(identity, stream));
  await nextEvent(client, 'connect');
  return client;
}

describe('a stock MQTT client behind the front', () => {
  it('converses with the page', async () => {
    const mine = newIdentity();
    const client = await join(mine);
    await client.subscribeAsync(topicOf(inboxOf(mine.code)), { qos: 1 });
    const ana = new Person(server.address, undefined);
    const arrival = nextEvent(client, 'message');
    ana.chat.send(mine.code, 'سلام');
    const [topic, payload] = await arrival;
    expect(topic).toBe(topicOf(inboxOf(mine.code)));
    const { from, text } = openFrom(new Uint8Array(payload), mine);
    expect([from, JSON.parse(text)]).toMatchObject([ana.code, { text: 'سلام' }]);

    const answer = sealFor(ana.code, JSON.stringify({ id: 'a stock one', text: 'hola', at: 1 }), mine);
    for (const junk of [answer.slice(1), answer.slice(0, 40), sealFor(ana.code, '{"id":7}', mine)])
      await client.publishAsync(topicOf(inboxOf(ana.code)), Buffer.from(junk), { qos: 1 });
    await client.publishAsync(topicOf(inboxOf(ana.code)), Buffer.from(answer), { qos: 1 });
    await until('it is there', () => ana.messages.length > 0);
    expect(ana.messages).toEqual([{ id: 'a stock one', from: mine.code, to: ana.code, text: 'hola', at: 1 }]);
    await ana.chat.close();
  });

  it.each<[string, (right: Login, other: Opened, mine: Identity) => Login]>([
    ['the proof of another connection', (_right, other, mine) => loginOf(mine, other)],
    ['no proof', (right) => ({ ...right, password: Buffer.alloc(0) })],
    ['the inbox of somebody else', (right) => ({ ...right, clientId: inboxOf(newIdentity().code) })],
    ['the name of somebody else', (right) => ({ ...right, username: newIdentity().code })],
    ['a name that is no code', (right) => ({ ...right, username: 'ana' })],
  ])('is not let in with %s', async (_, change) => {
    const mine = newIdentity();
    const [stream, other] = await Promise.all([openNoise(), openNoise()]);
    const client = mqtt(stream, change(loginOf(mine, stream), other, mine));
    await expect(nextEvent(client, 'connect')).rejects.toMatchObject({ code: 5 });
    other.destroy();
  });

  it.each<[string, (client: MqttClient) => Promise<unknown>]>([
    [
      'reads the inbox of somebody else',
      (client) => client.subscribeAsync(topicOf(inboxOf(newIdentity().code)), { qos: 1 }),
    ],
    ['reads them all', (client) => client.subscribeAsync('inbox/#', { qos: 1 })],
    ['writes elsewhere', (client) => client.publishAsync('plaza', 'hello', { qos: 1 })],
    [
      'writes too much',
      (client) => client.publishAsync(topicOf(inboxOf(newIdentity().code)), Buffer.alloc(40_000), { qos: 1 }),
    ],
  ])('is hung up on when it %s', async (_, act) => {
    const client = await join(newIdentity());
    const closed = once(client as unknown as NodeJS.EventEmitter, 'close');
    act(client).catch(() => {});
    await closed;
  });
});

describe('a stranger at the front', () => {
  /** Everything that comes back until the front hangs up. */
  async function answerTo(bytes: Bytes): Promise<Buffer> {
    const socket = dial();
    const answers: Buffer[] = [];
    socket.on('data', (answer) => answers.push(answer));
    socket.on('error', () => {});
    socket.write(bytes);
    await once(socket, 'close');
    return Buffer.concat(answers);
  }

  const random32 = concat(Uint8Array.of(0x0a, 32), random(32));
  const CHECK = concat(Uint8Array.of(0x57, 0x41, 6, 3, 0, 0, 36, 0x12, 34), random32);

  it('gets the same from it as an app, as far as can be told: one hello with two fields', async () => {
    const socket = dial();
    const handshake = await initiate(noble, PROLOGUE, keyOf(server.address.key), random(32));
    socket.write(concat(HEADER, framed(encodeHandshake(CLIENT_HELLO, await handshake.writeHello(EMPTY)))));
    const [genuine] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    const relays = await initiate(noble, RELAYS, keyOf(server.address.key), random(32));
    const hello = framed(encodeHandshake(CLIENT_HELLO, await relays.writeHello(EMPTY)));
    for (const bytes of [CHECK, concat(HEADER, hello)]) {
      const answer = await answerTo(bytes);
      expect(answer).toHaveLength(genuine.length);
      // A length, and the tags and lengths of the hello, its key and its payload.
      for (const at of [0, 1, 2, 3, 4, 5, 6, 39, 40]) expect(answer[at]).toBe(genuine[at]);
      expect(answer).not.toEqual(genuine);
    }
  });

  it.each([
    ['another protocol', new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n')],
    ['a frame that is too long', concat(HEADER, Uint8Array.of(0, (RECORD_MAX + 1) >> 8, (RECORD_MAX + 1) & 255))],
    ['another message', concat(HEADER, framed(Uint8Array.of(SERVER_HELLO, 0)))],
    ['a field that is longer than its message', concat(HEADER, framed(Uint8Array.of(CLIENT_HELLO, 3, 10, 9, 9)))],
  ])('is hung up on for %s', async (_, bytes) => {
    expect(await answerTo(bytes)).toHaveLength(0);
  });

  it('breaks nothing when it breaks what it began', async () => {
    for (const bytes of [HEADER.slice(0, 3), HEADER, CHECK.slice(0, 30)]) {
      const socket = dial();
      socket.write(bytes);
      await once(socket, 'connect');
      await soon();
      socket.resetAndDestroy();
    }
    (await openNoise()).destroy();
    await (await join(newIdentity())).endAsync();
  });
});

describe('what two people say', () => {
  /** WebSocket messages of a page, before the mask is on them, and the hello before them. */
  function recordWebSockets(recording: Recording): void {
    class Recorded extends WebSocket {
      readonly #toRelay = recording.stream();

      constructor(url: string, protocols: string[] = []) {
        super(url, protocols);
        const fromRelay = recording.stream();
        for (const protocol of protocols) this.#toRelay(Buffer.from(protocol, 'base64url'));
        this.addEventListener('message', ({ data }) => fromRelay(bytesOf(data) ?? Buffer.from(String(data))));
      }

      override send(data: ArrayBufferView<ArrayBuffer>): void {
        this.#toRelay(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
        super.send(data);
      }
    }
    vi.stubGlobal('WebSocket', Recorded);
  }

  it('is found nowhere between their pages, nor in the server', async () => {
    const [atPages, atFront, log, told] = [new Recording(), new Recording(), new Recording(), new Recording()];
    recordWebSockets(atPages);
    const proxy = await startRecordingProxy(portOf(server.address.backend), atFront);
    const address = { ...server.address, backend: `localhost:${proxy.port}` };
    const relay = await startRelay({ BACKENDS: `whatsapp://${address.backend}` });
    const ana = new Person(address, relay.link);
    const babak = new Person(address, relay.origin);
    const layla = new Person(address, undefined);

    const texts = ['canary: the bridge at noon', 'قناری: پل در ظهر', '金丝雀：正午大桥'];
    const ids = [ana.say(babak, ...texts), babak.say(layla, ...texts)] as const;
    await Promise.all([ana.hasDelivered(ids[0]), babak.hasDelivered(ids[1])]);
    const people = [ana, babak, layla];
    await Promise.all(people.map(({ chat }) => chat.close()));
    log.stream()(Buffer.from(relay.logs()));

    const secrets = people.map(({ identity }) => fromBase64url(identity.secret) as Bytes);
    const canaries = [...texts.map((text) => Buffer.from(text)), ...secrets.map((secret) => Buffer.from(secret))];
    const needles = canaries.flatMap(formsOf);
    for (const recording of [atPages, atFront, log, heard]) expect(recording.find(needles)).toEqual([]);

    // The search finds what is there, and each recording has what it should.
    for (const text of [...babak.texts, ...layla.texts]) told.stream()(Buffer.from(text));
    expect(told.find(needles)).toEqual(canaries.slice(0, texts.length));
    const inboxes = people.map(({ code }) => Buffer.from(topicOf(inboxOf(code))));
    expect(heard.find(inboxes)).toEqual(inboxes);
    expect([atPages, atFront].flatMap((recording) => recording.find(inboxes))).toEqual([]);
    const hello = Buffer.concat([HEADER, Buffer.of(0, 0, 54, CLIENT_HELLO, 52, 0x0a)]);
    // Of those who come through the relay it stands in records, of the one who comes straight in her WebSocket.
    expect([atPages, atFront].map((recording) => recording.find([hello]).length)).toEqual([1, 1]);
    expect(atPages.bytes).toBeGreaterThan(atFront.bytes);

    await relay.close();
    await proxy.close();
  });
});
