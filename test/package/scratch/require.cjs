/** `node require.cjs LINK BACKEND`: the same module for `require` as for `import`. */
const assert = require('node:assert/strict');
const { createConnection, PuenteError } = require('puente/node');

assert.equal(require('puente').PuenteError, PuenteError);
const [relay, backend] = process.argv.slice(2);
const socket = createConnection(backend, { relay }).on('connect', () => socket.end());
socket.resume().on('end', () => console.log('require'));
