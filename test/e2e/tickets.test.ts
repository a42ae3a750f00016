/** What a connection takes to set up where bytes are counted: TLS goes on with a ticket of the one before it. */
import { once } from 'node:events';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { createConnection } from '../../client/node/index.ts';
import { toBase64url } from '../../protocol/bytes.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import { makeChain } from '../lab/certificate.ts';
import { startMiddlebox } from '../lab/middlebox.ts';
import { random } from '../support/network/raw-client.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { serve, type Workerd } from '../support/servers/workerd.ts';

const KEY = random(32);

let backend: Backend;
let relay: Workerd;

beforeAll(async () => {
  const chain = await makeChain();
  tls.setDefaultCACertificates([...tls.getCACertificates(), chain.ca]);
  backend = await startBackend(echo);
  relay = await serve(inject('worker'), { RELAY_KEY: toBase64url(KEY), BACKENDS: backend.entry }, chain);
});

afterAll(async () => {
  await relay.stop();
  await backend.close();
});

/** Bytes from the relay, TLS included, until a session is open and has echoed a word: of one session after another. */
async function setUps(count: number, path?: { limit: number }): Promise<number[]> {
  const network = await startMiddlebox(relay.tlsPort);
  const link = formatLink({ url: `https://localhost:${network.port}/`, key: await nodeCipher.publicKey(KEY) });
  const taken: number[] = [];
  for (let session = 0; session < count; session += 1) {
    const before = network.down;
    const socket = createConnection(backend.address, { relay: link, ...(path && { path }) });
    socket.write('word');
    await once(socket, 'data');
    taken.push(network.down - before);
    socket.destroy();
    await once(socket, 'close');
  }
  await network.close();
  return taken;
}

it('a chain of certificates is sent once where a limit is known', async () => {
  const [first = 0, second = 0, third = 0] = await setUps(3, { limit: 100_000 });
  expect(first).toBeGreaterThan(3000);
  expect(second).toBeLessThan(first - 2300);
  expect(third).toBeLessThan(first - 2300);
});

it('and each time elsewhere, as a ticket links its connection to the one before it', async () => {
  const [first = 0, second = 0] = await setUps(2);
  expect(first).toBeGreaterThan(3000);
  // They differ by the padding of three or four records, at random.
  expect(second).toBeGreaterThan(first - 2000);
});
