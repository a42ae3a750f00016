/** HTTP as bytes: requests that no library would send, and answers as they come. */
import net from 'node:net';

export const HOST = 'site.example';

/** Sent behind each request: whether it is answered shows what the one before has done to the connection. */
const NEXT = `GET /next HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`;

/** For a server that does not answer at all: its silence is then the answer. */
const PATIENCE = 10_000;

/** Everything that comes back until the server closes. */
export function exchange(port: number, request: string): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = net.connect(port, '127.0.0.1');
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      received += text;
    });
    // A server that closes before it has read everything resets; what it has answered counts.
    socket.on('error', () => {});
    socket.on('close', () => resolve(received));
    socket.setTimeout(PATIENCE, () => socket.destroy());
    socket.write(request + NEXT, 'latin1');
  });
}

/** The status with which an upgrade is answered; then leaves. */
export function knock(port: number, request: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', reject);
    socket.once('data', (bytes) => {
      resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(bytes.toString('latin1'))?.[1]));
      socket.destroy();
    });
    socket.write(request, 'latin1');
  });
}

/** @param headers lines, beside `Host` */
export function requestOf(line: string, headers: readonly string[] = [], body = ''): string {
  return [line, `Host: ${HOST}`, ...headers, '', body].join('\r\n');
}

/** The headers of a WebSocket upgrade (RFC 6455 section 4.1). */
export const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

export const offering = (subprotocols: string | undefined): string[] =>
  subprotocols === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocols}`];
