/** Real TCP backends, and counts of what they see. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';

export interface Backend {
  port: number;
  /** `host:port` */
  address: string;
  /** Its entry in `BACKENDS`: what the tests say to it is not encrypted. */
  entry: string;
  /** Sockets open now. */
  open: Set<net.Socket>;
  /** Sockets accepted so far. */
  accepted: number;
  close(): Promise<void>;
}

/**
 * A TCP server on loopback that gives each socket (half-closable) to `serve`.
 * @param host all of 127.0.0.0/8 is loopback
 */
export async function startBackend(serve: (socket: net.Socket) => void, host = '127.0.0.1'): Promise<Backend> {
  const open = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    backend.accepted += 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    // Resets are part of many tests; a backend that cares listens too.
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as net.AddressInfo;
  const backend: Backend = {
    port,
    address: `${host}:${port}`,
    entry: `any://${host}:${port}`,
    open,
    accepted: 0,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return backend;
}

export function echo(socket: net.Socket): void {
  socket.pipe(socket);
}

/**
 * A backend that neither accepts nor refuses: a listener with a full backlog, in a process that accepts nothing.
 * Linux then drops further SYNs.
 */
export async function startSilentBackend(): Promise<{ address: string; close(): Promise<void> }> {
  const script = `
    const server = require('node:net').createServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('node:fs').writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(output);
  const fillers = Array.from({ length: 8 }, () => net.connect(port, '127.0.0.1').on('error', () => {}));
  await new Promise((resolve) => setTimeout(resolve, 200));
  return {
    address: `127.0.0.1:${port}`,
    async close() {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
