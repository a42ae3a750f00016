/** `node test/support/stream.ts LINK BACKEND`: standard input and output as the stream through a relay. */
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { createConnection } from '../../client/node/index.ts';

/** Milliseconds for what stands on standard input already: it may ride in the hello. */
const FIRST_BYTES = 100;

const [relay = '', backend = ''] = process.argv.slice(2);
await Promise.race([once(process.stdin, 'readable'), new Promise((resolve) => setTimeout(resolve, FIRST_BYTES))]);
const socket = createConnection(backend, { relay, allowHalfOpen: true });
socket.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
// Node leaves standard output open.
socket.on('end', () => process.stdout.end(() => closeSync(process.stdout.fd)));
// The process ends once everything is delivered.
socket.on('close', () => process.stdin.destroy());
// Nobody reads what comes any more: the app closes its socket.
process.stdout.on('error', () => socket.destroy());
process.stdin.pipe(socket).pipe(process.stdout);
