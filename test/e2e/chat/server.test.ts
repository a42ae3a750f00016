/** The example chat's server: to a stock MQTT client, to those who are not who they say, and to strangers. */
import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as soon } from 'node:timers/promises';
import { MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Identity, newIdentity, TEXT_MAX } from '../../../examples/chat/net/chat.ts';
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
import { type Bytes, concat, EMPTY, fromBase64url } from '../../../protocol/bytes.ts';
import { noble } from '../../../protocol/carrier/noble.ts';
import { initiate, PROLOGUE as RELAYS } from '../../../protocol/carrier/noise.ts';
import { random } from '../../support/fixtures/open-hello.ts';
import { nextEvent } from '../../support/next-event.ts';
import { until } from '../../support/until.ts';
import { Person } from './people.ts';

let server: Server;
const clients: MqttClient[] = [];

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.close());

afterEach(async () => {
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

/** What this app never says, though it may be sealed for it. */
const JUNK = [
  'null',
  '{"id":7}',
  '{"id":"i","text":"t","at":1e300}',
  '{"id":"i","text":"t","at":1e999}',
  '{"id":"i","text":"t","at":8640000000000001}',
  '{"id":"i","text":"t","at":-1}',
  '{"id":"i","text":"t","at":null}',
  '{"id":"i","text":"t","at":"1"}',
  '{"id":"i","text":["t"],"at":1}',
  JSON.stringify({ id: 'i', text: 't'.repeat(TEXT_MAX + 1), at: 1 }),
  JSON.stringify({ id: 'i'.repeat(65), text: 't', at: 1 }),
  JSON.stringify({ ack: 'i'.repeat(65) }),
];

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
    const herOwn = concat(keyOf(mine.code), new Uint8Array(payload.subarray(32)));
    const sealedJunk = JUNK.map((json) => sealFor(ana.code, json, mine));
    for (const junk of [herOwn, answer.slice(1), answer.slice(0, 40), ...sealedJunk])
      await client.publishAsync(topicOf(inboxOf(ana.code)), Buffer.from(junk), { qos: 1 });
    await client.publishAsync(topicOf(inboxOf(ana.code)), Buffer.from(answer), { qos: 1 });
    await until('it is there', () => ana.messages.length > 0);
    expect(ana.messages).toEqual([{ id: 'a stock one', from: mine.code, to: ana.code, text: 'hola', at: 1 }]);
    expect(ana.delivered).toEqual([]);
    const tomorrow = JSON.stringify({ id: 'a fast clock', text: 'hola', at: Date.now() + 86_400_000 });
    await client.publishAsync(topicOf(inboxOf(ana.code)), Buffer.from(sealFor(ana.code, tomorrow, mine)), { qos: 1 });
    await until('it is there, too', () => ana.messages.length > 1);
    expect(ana.messages[1]?.at).toBeLessThanOrEqual(Date.now());
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
