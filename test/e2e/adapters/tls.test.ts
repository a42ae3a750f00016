/** What all adapters stand on: TLS in a tunnel, as libraries treat it. */
import { once } from 'node:events';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectTls } from '../../../client/node/index.ts';
import { makeCertificate } from '../../support/fixtures/certificate.ts';
import { startFront, startMute } from '../../support/network/front.ts';
import { listen } from '../../support/network/listen.ts';
import type { Backend } from '../../support/servers/backend.ts';
import { type Relay, startRelay } from '../../support/servers/relay.ts';
import { until } from '../../support/until.ts';

const ends: (() => Promise<unknown>)[] = [];
let ca: string;
let front: Backend;
/** The same server, where its certificate does not hold. */
let elsewhere: Backend;
let mute: Backend;
let relay: Relay;

beforeAll(async () => {
  const certificate = await makeCertificate();
  ca = certificate.cert;
  const server = tls.createServer(certificate, (socket) => {
    socket.on('error', () => {}).on('data', (text) => String(text) === 'adiós' && socket.end());
    socket.write('hola');
  });
  const { port, close } = await listen(server);
  front = await startFront(port);
  elsewhere = await startFront(port, '127.0.0.2');
  mute = await startMute();
  relay = await startRelay({ BACKENDS: [front, elsewhere, mute].map(({ address }) => address).join() });
  ends.push(close, front.close, elsewhere.close, mute.close, relay.close);
});

afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

function open({ address, port }: Backend): tls.TLSSocket {
  return connectTls({ hostname: address.replace(`:${port}`, ''), port }, { relay: relay.link }, { ca });
}

it('holds the certificate against the address, where that is no name', async () => {
  const socket = open(front);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  expect(chunk.toString()).toBe('hola');
  socket.destroy();
  await expect(once(open(elsewhere), 'secureConnect')).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});

it.each<[string, (socket: tls.TLSSocket) => void]>([
  ['with', (socket) => void socket.write('adiós')],
  ['without', () => front.open.forEach((accepted) => void accepted.unpipe().resume().end())],
])('ends without an error when the backend hangs up %s a goodbye of TLS', async (_how, provoke) => {
  const socket = open(front).resume();
  await once(socket, 'secureConnect');
  provoke(socket);
  // Rejects when there is an error.
  await once(socket, 'close');
  await until('no tunnel is left', () => front.open.size === 0);
});

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
