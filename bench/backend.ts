/** The backends, in a process of their own: `source`, `sink` and `echo` on three ports of loopback. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';

export interface Backends {
  /** Port that is sent a u64, and sends back as many bytes as the u64 says. */
  source: number;
  /** Port that is sent a u64 and as many bytes, and answers with one byte when all bytes have come. */
  sink: number;
  /** Port that sends back all bytes that it is sent. */
  echo: number;
}

/** The u64 for `source` and `sink`. */
export function count(total: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(total));
  return bytes;
}

const SELF = fileURLToPath(import.meta.url);

export async function startBackends(): Promise<{ backends: Backends; stop(): void }> {
  const child = fork(SELF);
  const [backends] = (await once(child, 'message')) as [Backends];
  return { backends, stop: () => child.kill() };
}

const BLOCK = Buffer.alloc(256 * 1024, 'puente ');

function source(socket: net.Socket): void {
  let left = 0;
  const send = () => {
    while (left > 0) {
      const length = Math.min(left, BLOCK.length);
      left -= length;
      if (!socket.write(BLOCK.subarray(0, length))) return;
    }
  };
  socket.on('drain', send);
  socket.once('data', (head) => {
    left = Number(head.readBigUInt64BE());
    send();
  });
}

function sink(socket: net.Socket): void {
  let left: number | undefined;
  socket.on('data', (bytes) => {
    left = (left ?? 8 + Number(bytes.readBigUInt64BE())) - bytes.length;
    if (left === 0) socket.write('.');
  });
}

function echo(socket: net.Socket): void {
  socket.on('data', (bytes) => socket.write(bytes));
}

async function listen(serve: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  return (server.address() as net.AddressInfo).port;
}

if (process.argv[1] === SELF) {
  process.send?.({ source: await listen(source), sink: await listen(sink), echo: await listen(echo) });
  process.on('disconnect', () => process.exit());
}
