/** `node echo.mjs LINK BACKEND`: says something to an echo through a relay, over both of the package's ways in. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { connect } from 'puente';
import { createConnection, PuenteError } from 'puente/node';

const [relay, backend] = process.argv.slice(2);
const sent = randomBytes(300_000);

const duplex = createConnection(backend, { relay });
duplex.end(sent);
assert.deepEqual(await buffer(duplex), sent);
console.log('createConnection');

// As in browsers, with the WebSocket that Node itself has had since 22.
if (globalThis.WebSocket) {
  const socket = connect(backend, { relay });
  const said = new Blob([sent]).stream().pipeTo(socket.writable);
  assert.deepEqual(await buffer(socket.readable), sent);
  await said;
  console.log('connect');
}

await assert.rejects(once(createConnection('localhost:9', { relay }), 'connect'), (error) => {
  assert(error instanceof PuenteError);
  return error.code === 'backend-not-allowed' && error.message.includes('The relay does not carry');
});
