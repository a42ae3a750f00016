/** What all adapters stand on: TLS in a tunnel, as libraries treat it. */
import { once } from 'node:events';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { secured } from '../../../client/adapters/secured.ts';
import { makeCertificate } from '../../../examples/local/certificate.ts';
import { listen } from '../../../examples/local/listen.ts';
import { type LocalRelay, startRelay } from '../../../examples/local/relay.ts';
import type { Backend } from '../../support/backend.ts';
import { startFront, startMute } from '../../support/front.ts';
import { until } from '../../support/until.ts';

const ends: (() => Promise<unknown>)[] = [];
let ca: string;
let front: Backend;
let mute: Backend;
let relay: LocalRelay;

beforeAll(async () => {
  const certificate = await makeCertificate();
  ca = certificate.cert;
  const { port, close } = await listen(tls.createServer(certificate, (socket) => socket.on('error', () => {}).pause()));
  front = await startFront(port);
  mute = await startMute();
  relay = await startRelay({ BACKENDS: [front, mute].map(({ port }) => `localhost:${port}`).join() });
  ends.push(close, front.close, mute.close, relay.close);
});

afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

function open({ port }: Backend): tls.TLSSocket {
  return secured({ hostname: 'localhost', port }, { relay: relay.link }, { ca });
}

it('fails once, however much was being written, and then closes', async () => {
  const socket = open(front);
  await once(socket, 'secureConnect');
  const events: string[] = [];
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', (error: NodeJS.ErrnoException) => {
    events.push(error.code ?? error.message);
    socket.write('what a library says when it has heard of an error');
  });
  // As libraries do: an error after this would be thrown.
  socket.once('close', () => events.push('close') && socket.removeAllListeners());
  socket.write(Buffer.alloc(4_000_000));
  for (const accepted of front.open) accepted.resetAndDestroy();
  await closed;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(events).toEqual(['backend-reset', 'close']);
});

it.each([
  ['at once', async () => {}],
  ['while the backend says nothing', () => until('the backend has accepted', () => mute.open.size > 0)],
])('takes its tunnel with it when it is destroyed %s', async (_when, wait) => {
  const socket = open(mute);
  await wait();
  socket.destroy();
  await once(socket, 'close');
  await until('no tunnel is left', () => mute.open.size === 0);
});
