/** The ways from an app to a backend that the bench compares, each as a plain connection. */
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { WebSocket } from 'ws';
import { nodeCipher } from '../client/node/cipher.ts';
import { createConnection } from '../client/node/index.ts';
import { type Bytes, EMPTY } from '../protocol/bytes.ts';
import type { Open, Seal } from '../protocol/carrier/cipher.ts';

export type Way =
  /** A WebSocket of `ws` to the floor's Worker. */
  | { kind: 'floor'; origin: string }
  /** The same, with each message sealed. */
  | { kind: 'sealed'; origin: string }
  /** Puente's client to Puente's Worker. */
  | { kind: 'tunnel'; link: string }
  | { kind: 'direct' }
  /** TLS to a proxy that listens on one port for each of the backends' ports. */
  | { kind: 'haproxy'; ports: Record<number, number> };

export interface Connection {
  /** Calls `done` when more may be written, by the route's own back-pressure. */
  write(bytes: Bytes, done: () => void): void;
  onData(listener: (bytes: Uint8Array) => void): void;
  /** Calls the listener at an end that the user of the connection has not asked for. */
  onError(listener: (error: Error) => void): void;
  close(): void;
}

/** Opens a connection to a port of the backends. */
export function open(way: Way, port: number): Connection {
  switch (way.kind) {
    case 'floor':
      return overWebSocket(`${way.origin}/${port}`, plain);
    case 'sealed':
      return overWebSocket(`${way.origin}/${port}`, sealed());
    case 'tunnel':
      return overStream(createConnection(`127.0.0.1:${port}`, { relay: way.link }));
    case 'direct':
      return overStream(net.connect({ port, host: '127.0.0.1', noDelay: true }));
    case 'haproxy':
      return overStream(tls.connect({ port: way.ports[port] as number, host: 'localhost', servername: 'localhost' }));
  }
}

/** Bytes that `ws` may hold before a writer waits. Without this limit the floor would be fed from memory. */
const BUFFERED_MAX = 1024 * 1024;

interface Coding {
  encode(bytes: Bytes): Uint8Array;
  decode(bytes: Bytes): Uint8Array;
}

const plain: Coding = { encode: (bytes) => bytes, decode: (bytes) => bytes };

/** Seals as the Worker in `floor/sealed.ts` does, with the cipher of Puente's client. */
function sealed(): Coding {
  const key = new Uint8Array(32);
  const [seal, open] = [nodeCipher.sealer(key) as Seal, nodeCipher.opener(key) as Open];
  let [sent, received] = [0, 0];
  return {
    encode: (bytes) => seal(sent++, EMPTY, bytes) as Bytes,
    decode: (bytes) => open(received++, EMPTY, bytes) as Bytes,
  };
}

function overWebSocket(url: string, { encode, decode }: Coding): Connection {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const opened = new Promise<void>((resolve) => socket.once('open', resolve));
  const send = (bytes: Bytes, done: () => void) => {
    if (socket.bufferedAmount < BUFFERED_MAX) {
      socket.send(encode(bytes));
      done();
    } else socket.send(encode(bytes), done);
  };
  return {
    write(bytes, done) {
      if (socket.readyState === WebSocket.CONNECTING) void opened.then(() => send(bytes, done));
      else send(bytes, done);
    },
    onData: (listener) => void socket.on('message', (data: Buffer<ArrayBuffer>) => listener(decode(data))),
    onError: (listener) => void socket.on('error', listener),
    close: () => socket.terminate(),
  };
}

function overStream(socket: Duplex): Connection {
  return {
    write(bytes, done) {
      if (socket.write(bytes)) done();
      else socket.once('drain', done);
    },
    onData: (listener) => void socket.on('data', listener),
    onError: (listener) => void socket.on('error', listener),
    close: () => void socket.destroy(),
  };
}
