/** What the types let an app in Node do, and what they do not. */
import net from 'node:net';
import tls from 'node:tls';
import { type Code, type ConnectOptions, createConnection, PuenteError, type PuenteSocket } from 'puente/node';

const options: ConnectOptions = { relay: 'https://relay.example.org/#p…', path: { limit: 15_000 } };
const socket: PuenteSocket = createConnection({ hostname: 'chat.example.org', port: 5223 }, options);
tls.connect({ socket, servername: 'chat.example.org' });
socket.on('error', (error) => {
  const code: Code | undefined = error instanceof PuenteError ? error.code : undefined;
  if (code === 'backend-down') net.connect(5223, 'chat.example.org');
});

// @ts-expect-error A relay must be named.
createConnection('chat.example.org:5223', {});
// @ts-expect-error There is no such code.
new PuenteError('no-such-code');
