/** TLS through a relay, in Node: `npx node examples/node-tls.ts LINK HOST:PORT` prints who answers at the other end. */
import { once } from 'node:events';
import { connectTls } from 'puente/node';

const [relay, backend] = process.argv.slice(2);
if (!relay || !backend) throw new Error('Give a relay’s link and a backend: LINK HOST:PORT');

const socket = connectTls(backend, { relay });
await once(socket, 'secureConnect');
console.log(
  `✓ ${backend} speaks ${socket.getProtocol()}, with a certificate for ${socket.getPeerCertificate().subject.CN}`,
);
socket.end();
