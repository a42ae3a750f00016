/**
 * A chat server: aedes, an MQTT broker, behind a Noise front over TCP, and behind the same front in WebSockets. The
 * server carries the messages that users seal for each other. It keeps undelivered messages in memory. A server for
 * real people keeps them on a disk, and limits how much waits for one person.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { Aedes, type Client } from 'aedes';
import { type Bytes, EMPTY, equal, toBase64url } from 'puente/bytes';
import { noble } from 'puente/noble';
import { relayKeyOf } from 'puente/noise';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { ServerAddress } from '../net/chat.ts';
import { inboxOf, keyOf, proofOf, topicOf } from '../net/identity.ts';
import { PROLOGUE } from '../net/wire.ts';
import { accept, type Opened } from './front.ts';

export interface Server {
  address: ServerAddress;
  close(): Promise<void>;
}

/** Connections at one port. */
const CONNECTIONS_MAX = 1000;
/** The longest sealed message, in bytes: a message has 4,000 characters at most. */
const MESSAGE_MAX = 32_768;

/** The part of aedes that keeps messages for absent users; aedes' types leave this part out. */
interface Persistence {
  addSubscriptions(client: { id: string }, subscriptions: { topic: string; qos: 1 }[]): Promise<void>;
}

/** @param hear called with all bytes that the broker reads and writes: the bytes that a curious server could see */
export async function startServer(hear: (bytes: Uint8Array) => void = () => {}): Promise<Server> {
  const secret: Bytes = new Uint8Array(randomBytes(32));
  const key = await relayKeyOf(noble, secret, PROLOGUE);
  const broker = await Aedes.createBroker();
  setRules(broker, secret);
  const serve = async (socket: Duplex): Promise<void> => {
    const stream = await accept(socket, key, hear);
    if (stream) broker.handle(stream);
  };

  const front = net.createServer({ noDelay: true }, serve);
  const pages = http.createServer((_request, response) => void response.writeHead(404).end());
  new WebSocketServer({ server: pages, maxPayload: MESSAGE_MAX }).on('connection', (webSocket) =>
    serve(createWebSocketStream(webSocket)),
  );
  front.maxConnections = CONNECTIONS_MAX;
  pages.maxConnections = CONNECTIONS_MAX;
  const sockets = new Set<Duplex>();
  return {
    address: {
      backend: `localhost:${await listen(front, sockets)}`,
      webSocket: `ws://127.0.0.1:${await listen(pages, sockets)}`,
      key: toBase64url(key.publicKey),
    },
    async close() {
      await new Promise<void>((resolve) => broker.close(resolve));
      for (const server of [front, pages]) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Listens on any free port of this machine, and returns the port. `sockets` holds the sockets that are open now. */
async function listen(server: net.Server, sockets: Set<Duplex>): Promise<number> {
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as net.AddressInfo).port;
}

/** The rules: a user reads only their own inbox, and may write to any inbox. */
function setRules(broker: Aedes, secret: Bytes): void {
  const { persistence } = broker as unknown as { persistence: Persistence };

  broker.authenticate = (client, code, proof, done) => done(null, isOwner(client, secret, code, proof));

  broker.authorizeSubscribe = ({ id }, subscription, done) => {
    const isOwn = subscription.topic === topicOf(id);
    done(isOwn ? null : new Error('not their inbox'), subscription);
  };

  broker.authorizePublish = (_client, { topic, payload, qos, retain }, done) => {
    const [, inbox] = /^inbox\/([\w-]{43})$/.exec(topic) ?? [];
    if (!inbox || qos !== 1 || retain || payload.length > MESSAGE_MAX) return done(new Error('not a message'));
    // Keep messages also for users who have not been here yet.
    persistence.addSubscriptions({ id: inbox }, [{ topic, qos: 1 }]).then(() => done(), done);
  };
}

function isOwner({ id, conn }: Client, secret: Bytes, code = '', proof: Uint8Array = EMPTY): boolean {
  try {
    const shared = noble.sharedSecret(secret, keyOf(code)) as Bytes;
    const expected = proofOf(shared, (conn as Opened).channel);
    return id === inboxOf(code) && equal(expected, new Uint8Array(proof));
  } catch {
    return false; // not a contact code, or a point of small order
  }
}
