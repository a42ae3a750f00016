/** What a hub remembers of sessions that have ended: for RESUME_SECONDS, however busy or quiet it is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toUtf8 } from '../../protocol/bytes.ts';
import { toWire } from '../../protocol/errors.ts';
import { openHello, RawClient } from '../support/network/raw-client.ts';
import { type Backend, startBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';

const OFFSETS = { received: 0, limit: 65_536 };

let backend: Backend;
let quiet: Relay;
let busy: Relay;

beforeAll(async () => {
  backend = await startBackend((socket) => socket.on('data', () => socket.resetAndDestroy()));
  quiet = await startRelay({ BACKENDS: backend.entry, RESUME_SECONDS: '60' });
  busy = await startRelay({ BACKENDS: backend.entry, RESUME_SECONDS: '10' });
});

afterAll(async () => {
  await quiet?.close();
  await busy?.close();
  await backend?.close();
});

async function open(relay: Relay): Promise<RawClient> {
  const client = await RawClient.open(relay.link, openHello(backend.address, { resumable: true }));
  await client.send({ type: 'ack', ...OFFSETS });
  return client;
}

/** A session that its backend has reset. */
async function ended(relay: Relay): Promise<RawClient> {
  const client = await open(relay);
  await client.send({ type: 'data', offset: 0, bytes: toUtf8('reset me') });
  await client.closed;
  return client;
}

const reset = { type: 'reset', code: toWire('backend-reset') };

it.concurrent('one that nobody else uses: longer than the ten seconds after which the runtime evicts it', async () => {
  const client = await ended(quiet);
  await sleep(20_000);
  const again = await client.resume(quiet.link, 1, OFFSETS);
  await again.closed;
  expect(again.frames).toEqual([reset]);
});

it.concurrent('one that is in use: no longer', async () => {
  const other = await open(busy);
  const client = await ended(busy);
  const again = await client.resume(busy.link, 1, OFFSETS);
  await again.closed;
  expect(again.frames).toEqual([reset]);
  for (let seconds = 0; seconds < 12; seconds += 1) {
    await sleep(1000);
    await other.send({ type: 'ping', id: seconds });
  }
  const late = await client.resume(busy.link, 2, OFFSETS);
  expect(late.grant).toEqual({ refusal: toWire('session-unknown') });
  other.close();
});
