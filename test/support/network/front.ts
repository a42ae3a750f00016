import net from 'node:net';
import { type Backend, startBackend } from '../servers/backend.ts';

/** Stands before a server on this machine: counts the connections that come to it, and can cut them. */
export function startFront(port: number, host?: string): Promise<Backend> {
  return startBackend((socket) => {
    const server = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.pipe(server).pipe(socket);
    socket.on('close', () => server.destroy());
    server.on('close', () => socket.destroy()).on('error', () => {});
  }, host);
}

/** Accepts connections and says nothing; hangs up when its client does. */
export function startMute(): Promise<Backend> {
  return startBackend((socket) => socket.resume().on('end', () => socket.end()));
}
