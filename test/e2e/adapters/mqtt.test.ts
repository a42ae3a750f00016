/** Stock MQTT.js clients with Puente's stream builder and a stock broker, through the real Worker. */
import { type IClientOptions, MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { stream } from '../../../client/adapters/mqtt.ts';
import { NODES, runExample } from '../../support/example.ts';
import { makeCertificate } from '../../support/fixtures/certificate.ts';
import { startFront, startMute } from '../../support/network/front.ts';
import { nextEvent } from '../../support/next-event.ts';
import type { Backend } from '../../support/servers/backend.ts';
import { type ChatServer, startChatServer } from '../../support/servers/chat-server.ts';
import { type Relay, startRelay } from '../../support/servers/relay.ts';
import { until } from '../../support/until.ts';

const clients: MqttClient[] = [];
let chat: ChatServer;
let front: Backend;
let mute: Backend;
let relay: Relay;

beforeAll(async () => {
  chat = await startChatServer();
  front = await startFront(chat.port);
  mute = await startMute();
  relay = await startRelay({ BACKENDS: [front, mute].map(({ port }) => `localhost:${port}`).join() });
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true);
  await until('no tunnel is left', () => front.open.size + mute.open.size === 0);
});

afterAll(async () => {
  await relay?.close();
  await mute?.close();
  await front?.close();
  await chat?.close();
});

function connect(clientId: string, options: IClientOptions = {}): MqttClient {
  const client = new MqttClient(stream({ relay: relay.link }), {
    host: 'localhost',
    port: front.port,
    ca: chat.ca,
    clientId,
    reconnectPeriod: 0,
    ...options,
  });
  // The server hangs up on a DISCONNECT at once, which may look like a reset; `failure` and `nextEvent` hear what matters.
  client.on('error', () => {});
  clients.push(client);
  return client;
}

/** The error with which a client ends. */
function failure(client: MqttClient): Promise<Error> {
  return new Promise((resolve) => client.once('error', resolve));
}

it('carries a conversation of two clients in both directions', async () => {
  const ana = connect('ana');
  const babak = connect('babak');
  await Promise.all([nextEvent(ana, 'connect'), nextEvent(babak, 'connect')]);
  await ana.subscribeAsync('to/ana', { qos: 1 });
  await babak.subscribeAsync('to/babak', { qos: 1 });
  for (const text of ['¿Qué tal?', 'سلام، خوبم', 'مرحبا', 'Привет', '你好，世界', '🌉🕊️', 'x'.repeat(200_000)]) {
    for (const [from, to, topic] of [
      [ana, babak, 'to/babak'],
      [babak, ana, 'to/ana'],
    ] as const) {
      const arrival = nextEvent(to, 'message');
      await from.publishAsync(topic, text, { qos: 1 });
      const [, payload] = await arrival;
      expect(payload.toString() === text).toBe(true);
    }
  }
  await Promise.all([ana.endAsync(), babak.endAsync()]);
});

it('opens a new tunnel when the library reconnects', async () => {
  const ana = connect('ana', { reconnectPeriod: 100 });
  await nextEvent(ana, 'connect');
  await ana.subscribeAsync('plaza', { qos: 1 });
  const before = front.accepted;
  const again = new Promise((resolve) => ana.once('connect', resolve));
  for (const socket of front.open) socket.resetAndDestroy();
  expect(await failure(ana)).toMatchObject({ name: 'PuenteError', code: 'backend-reset' });
  await again;
  expect(front.accepted - before).toBe(1);
  const arrival = nextEvent(ana, 'message');
  await ana.publishAsync('plaza', 'Aquí estoy otra vez', { qos: 1 });
  const [, payload] = await arrival;
  expect(payload.toString()).toBe('Aquí estoy otra vez');
});

it('refuses a certificate by another CA', async () => {
  const { cert: ca } = await makeCertificate();
  expect(await failure(connect('deceived', { ca }))).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
});

it('holds the certificate against the name that it is told', async () => {
  const client = connect('deceived', { servername: 'other.example' });
  expect(await failure(client)).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});

it('fails with what the relay says', async () => {
  const error = await failure(connect('refused', { port: chat.port }));
  expect(error).toMatchObject({ name: 'PuenteError', code: 'backend-not-allowed' });
});

it('leaves no socket when the server does not answer in time, or the client ends before', async () => {
  const slow = connect('slow', { port: mute.port, connectTimeout: 500 });
  await until('the backend has accepted', () => mute.open.size === 1);
  expect((await failure(slow)).message).toBe('connack timeout');
  await until('no tunnel is left', () => mute.open.size === 0);

  const hasty = connect('hasty', { port: mute.port });
  await until('the backend has accepted', () => mute.open.size === 1);
  await hasty.endAsync(true);
  await until('no tunnel is left', () => mute.open.size === 0);
});

it.each(NODES)('has an example that runs: %s', async (node) => {
  const printed = await runExample(node, 'mqtt', [relay.link, 'localhost', String(front.port)], chat.ca);
  expect(printed).toBe('plaza ¿Quién está?\n');
});
