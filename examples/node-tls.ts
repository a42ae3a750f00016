/** TLS through a relay, in Node: `npx node examples/node-tls.ts LINK HOST:PORT` says who answers at the other end. */
import { once } from 'node:events';
import tls from 'node:tls';
import { createConnection } from 'puente/node';

const [relay, backend] = process.argv.slice(2);
if (!relay || !backend) throw new Error('Give a relay’s link and a backend: LINK HOST:PORT');

const socket = tls.connect({
  socket: createConnection(backend, { relay }),
  servername: new URL(`tls://${backend}`).hostname,
});
await once(socket, 'secureConnect');
console.log(
  `✓ ${backend} speaks ${socket.getProtocol()}, with a certificate for ${socket.getPeerCertificate().subject.CN}`,
);
socket.end();
