/** Stock clients (mqtt, ws, node:http, node:tls) with a tunnel for their socket, through the real Worker. */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createConnection, PuenteError, type PuenteSocket } from '../../client/node/index.ts';
import { KnownBytes, KnownBytesCheck } from '../support/fixtures/bytes.ts';
import { type Certificate, makeCertificate } from '../support/fixtures/certificate.ts';
import { nextEvent } from '../support/next-event.ts';
import { type ChatServer, startChatServer } from '../support/servers/chat-server.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';

const MiB = 1024 * 1024;

/** Each server has its own port, and all but the chat server this certificate. */
let certificate: Certificate;
let chat: ChatServer;
let secureWebSockets: https.Server;
let web: http.Server;
let secure: tls.Server;
let relay: Relay;
let serve: (socket: tls.TLSSocket) => void;

beforeAll(async () => {
  certificate = await makeCertificate();
  chat = await startChatServer();
  secureWebSockets = https.createServer(certificate);
  new WebSocketServer({ server: secureWebSockets }).on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  web = http.createServer((request, response) => response.end(`You asked for ${request.url}`));
  secure = tls.createServer(certificate, (socket) => serve(socket));
  await Promise.all([secureWebSockets, web, secure].map(listen));
  const ports = [chat.port, ...[secureWebSockets, secure].map(portOf)];
  const entries = [...ports.map((port) => `localhost:${port}`), `any://localhost:${portOf(web)}`];
  relay = await startRelay({ BACKENDS: entries.join(', ') });
});

afterAll(async () => {
  await relay.close();
  await chat.close();
  for (const server of [secureWebSockets, web, secure]) server.close();
});

async function listen(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function tunnelTo(port: number): PuenteSocket {
  return createConnection(`localhost:${port}`, { relay: relay.link });
}

function secured(port: number, options: tls.ConnectionOptions): tls.TLSSocket {
  return tls.connect({ socket: tunnelTo(port), servername: 'localhost', ...options });
}

function mqtt(clientId: string, stream: () => Duplex): MqttClient {
  const client = new MqttClient(stream, { clientId, reconnectPeriod: 0 });
  // The server hangs up on a DISCONNECT at once; when it has not read TLS's own goodbye by then, TCP resets the
  // connection, with or without a relay. What matters is heard by `failure` and `nextEvent`.
  client.on('error', () => {});
  return client;
}

/** The error with which a client or a socket ends. */
function failure(failing: MqttClient | tls.TLSSocket): Promise<NodeJS.ErrnoException> {
  return new Promise((resolve) => failing.once('error', (error: Error) => resolve(error)));
}

describe('mqtt', () => {
  it('carries a conversation of two clients in both directions', async () => {
    const ana = mqtt('ana', () => secured(chat.port, { ca: chat.ca }));
    const babak = mqtt('babak', () => secured(chat.port, { ca: chat.ca }));
    await Promise.all([nextEvent(ana, 'connect'), nextEvent(babak, 'connect')]);
    await ana.subscribeAsync('to/ana', { qos: 1 });
    await babak.subscribeAsync('to/babak', { qos: 1 });
    const texts = ['¿Qué tal?', 'سلام، خوبم', 'مرحبا', 'Привет', '你好，世界', '🌉🕊️', 'x'.repeat(200_000)];
    for (const text of texts) {
      for (const [from, to, topic] of [
        [ana, babak, 'to/babak'],
        [babak, ana, 'to/ana'],
      ] as const) {
        const arrival = nextEvent(to, 'message');
        await from.publishAsync(topic, text, { qos: 1 });
        const [, payload] = await arrival;
        expect(payload.toString()).toBe(text);
      }
    }
    await Promise.all([ana.endAsync(), babak.endAsync()]);
  });

  it('keeps the order of messages that are sent without waiting', async () => {
    const client = mqtt('in order', () => secured(chat.port, { ca: chat.ca }));
    await nextEvent(client, 'connect');
    await client.subscribeAsync('order', { qos: 1 });
    const received: string[] = [];
    const all = new Promise<void>((resolve) => {
      client.on('message', (_topic, payload) => {
        if (received.push(payload.toString()) === 500) resolve();
      });
    });
    const sent = Array.from({ length: 500 }, (_, number) => `${number} ${'.'.repeat(number)}`);
    await Promise.all(sent.map((text) => client.publishAsync('order', text, { qos: 1 })));
    await all;
    expect(received).toEqual(sent);
    await client.endAsync();
  });

  it('reaches the chat server by the bare address, too', async () => {
    const socket = createConnection(`localhost:${chat.port}`, { relay: relay.origin });
    const client = mqtt('bare', () => tls.connect({ socket, servername: 'localhost', ca: chat.ca }));
    await nextEvent(client, 'connect');
    await client.endAsync();
  });

  it('gets no further than the certificate when the CA is another one', async () => {
    const client = mqtt('deceived', () => secured(chat.port, { ca: certificate.cert }));
    client.once('connect', () => expect.unreachable('connected to a server that it cannot verify'));
    expect((await failure(client)).code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    await client.endAsync(true);
  });

  it('hears why the relay refuses', async () => {
    const client = mqtt('refused', () => secured(1, { ca: chat.ca }));
    const error = await failure(client);
    expect(error).toBeInstanceOf(PuenteError);
    expect(error.code).toBe('backend-not-allowed');
    await client.endAsync(true);
  });
});

describe('tls', () => {
  it('fails when the certificate is for another name', async () => {
    const socket = secured(portOf(secure), { ca: certificate.cert, servername: 'other.example' });
    serve = (accepted) => accepted.on('error', () => {});
    expect((await failure(socket)).code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('carries 8 MiB each way at once', async () => {
    const length = 8 * MiB;
    let atServer: Promise<number> | undefined;
    serve = (accepted) => {
      atServer = receive(accepted, 1, length);
      void send(accepted, 2, length);
    };
    const socket = secured(portOf(secure), { ca: certificate.cert });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    const [atClient] = await Promise.all([receive(socket, 2, length), send(socket, 1, length)]);
    expect(atClient).toBe(length);
    expect(await atServer).toBe(length);
    socket.end();
    await once(socket, 'close');
  });
});

async function send(stream: Duplex, seed: number, length: number): Promise<void> {
  const bytes = new KnownBytes(seed);
  for (let sent = 0; sent < length; ) {
    const chunk = bytes.next(Math.min(100_003, length - sent));
    sent += chunk.length;
    if (!stream.write(chunk)) await once(stream, 'drain');
  }
}

function receive(stream: Duplex, seed: number, length: number): Promise<number> {
  const check = new KnownBytesCheck(seed);
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('data', (chunk: Buffer) => {
      check.feed(chunk);
      if (check.length >= length) resolve(check.length);
    });
  });
}

describe('ws', () => {
  it('opens a WebSocket inside the tunnel', async () => {
    const port = portOf(secureWebSockets);
    const socket = new WebSocket(`wss://localhost:${port}`, {
      createConnection: () => secured(port, { ca: certificate.cert }),
    });
    await once(socket, 'open');
    for (const message of ['سلام', Buffer.alloc(300_000, 7)]) {
      const arrival = once(socket, 'message');
      socket.send(message);
      const [data] = (await arrival) as [Buffer];
      expect(data.equals(Buffer.from(message))).toBe(true);
    }
    socket.close();
    await once(socket, 'close');
  });
});

describe('http', () => {
  async function get(
    path: string,
    options: http.RequestOptions,
  ): Promise<{ body: string; request: http.ClientRequest }> {
    const request = http.request({ host: 'localhost', port: portOf(web), path, ...options });
    request.end();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let body = '';
    for await (const chunk of response) body += chunk;
    return { body, request };
  }

  it('gets a page through createConnection', async () => {
    const { body } = await get('/one', { createConnection: () => tunnelTo(portOf(web)) });
    expect(body).toBe('You asked for /one');
  });

  it('keeps a tunnel alive for the next request', async () => {
    let connections = 0;
    const count = (): void => {
      connections += 1;
    };
    web.on('connection', count);
    const agent = new http.Agent({ keepAlive: true });
    agent.createConnection = () => tunnelTo(portOf(web));
    for (const [index, path] of ['/one', '/two', '/three'].entries()) {
      const { body, request } = await get(path, { agent });
      expect(body).toBe(`You asked for ${path}`);
      expect(request.reusedSocket).toBe(index > 0);
      // The socket goes back to the agent in the tick after the body's end.
      await new Promise((resolve) => setImmediate(resolve));
    }
    agent.destroy();
    web.off('connection', count);
    expect(connections).toBe(1);
  });
});
