/** Sessions whose hub is gone: evicted by the platform, or with the whole relay. And many sessions in one hub. */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { createConnection, type PuenteSocket } from '../../client/node/index.ts';
import { toBase64url } from '../../protocol/bytes.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import { type Bundle, bundle } from '../../volunteer/relay/bundle.ts';
import { ISOLATE_WINDOWS_MAX } from '../../worker/session/pipe.ts';
import { type Middlebox, startMiddlebox } from '../lab/middlebox.ts';
import { failure } from '../support/failure.ts';
import { KnownBytes, KnownBytesCheck } from '../support/fixtures/bytes.ts';
import { type Certificate, makeCertificate } from '../support/fixtures/certificate.ts';
import { random } from '../support/network/raw-client.ts';
import { residentBytes } from '../support/proc.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { serve, type Workerd } from '../support/servers/workerd.ts';
import { until } from '../support/until.ts';

const KEY = random(32);
const MiB = 1024 * 1024;

let backend: Backend;
let certificate: Certificate;
let built: Bundle;
let relay: Workerd;
let network: Middlebox;

const start = () => serve(built, { RELAY_KEY: toBase64url(KEY), BACKENDS: backend.entry }, certificate);

beforeAll(async () => {
  backend = await startBackend(echo);
  certificate = await makeCertificate();
  built = bundle('test/evicting/wrangler.toml');
  relay = await start();
  network = await startMiddlebox(relay.port);
});

afterEach(() => {
  for (const socket of backend.open) socket.destroy();
});

afterAll(async () => {
  await network.close();
  await relay.stop();
  await backend.close();
});

async function open(): Promise<PuenteSocket> {
  const key = await nodeCipher.publicKey(KEY);
  const link = formatLink({ url: `http://127.0.0.1:${network.port}/`, key });
  return createConnection(backend.address, { relay: link, allowHalfOpen: true });
}

/** No more at a time than a hub lets wait for one backend. */
async function openMany(count: number): Promise<PuenteSocket[]> {
  const sockets: PuenteSocket[] = [];
  while (sockets.length < count) {
    const some = await Promise.all(Array.from({ length: 20 }, open));
    await Promise.all(some.map((socket) => once(socket, 'connect')));
    sockets.push(...some);
  }
  return sockets;
}

async function answered(socket: PuenteSocket, word: string): Promise<void> {
  const answer = once(socket, 'data');
  socket.write(word);
  expect(String((await answer)[0])).toBe(word);
}

it('a hub that is evicted: its sessions fail at once, with their code, its backends are let go, and the next ones work', async () => {
  const sockets = await Promise.all([open(), open(), open()]);
  for (const socket of sockets) await answered(socket, 'one');
  const failures = sockets.map((socket) => failure(socket));
  const since = performance.now();
  expect(await (await fetch(`http://127.0.0.1:${relay.port}/evict`)).text()).toBe('evicted');
  for (const failed of failures) expect(await failed).toMatchObject({ code: 'session-unknown' });
  expect(performance.now() - since).toBeLessThan(2000);
  await until('its backends are let go', () => backend.open.size === 0);
  const next = await open();
  await answered(next, 'two');
  next.destroy();
});

it('one hub carries a hundred sessions while all carriers are cut again and again: each gets every byte', async () => {
  const length = MiB / 2;
  const sockets = await openMany(100);
  const before = residentBytes(relay.pid);
  let arrived = 0;
  let cuts = 0;
  let peak = 0;
  // By what has arrived, not by time: on a machine that is busy there would be many more of them.
  const cutInTime = (): void => {
    if (arrived < (cuts + 1) * 8 * MiB) return;
    network.cutAll('rst');
    cuts += 1;
    peak = Math.max(peak, residentBytes(relay.pid));
  };
  const received = sockets.map(async (socket, at) => {
    const check = new KnownBytesCheck(at);
    socket.on('data', (bytes: Buffer) => {
      check.feed(bytes);
      arrived += bytes.length;
      cutInTime();
    });
    const ended = once(socket, 'end');
    const bytes = new KnownBytes(at);
    for (let sent = 0; sent < length; sent += 16_384)
      if (!socket.write(bytes.next(16_384))) await once(socket, 'drain');
    socket.end();
    await ended;
    return check.length;
  });
  expect(await Promise.all(received)).toEqual(sockets.map(() => length));
  expect(cuts).toBe(6);
  // Windows and replay buffers, each once more in the WebSockets and sockets below them.
  expect(peak - before).toBeLessThan(2 * ISOLATE_WINDOWS_MAX);
});

it('one reader that stops holds up none of the others in its hub', async () => {
  const sockets = await openMany(40);
  const [stopped, ...others] = sockets as [PuenteSocket, ...PuenteSocket[]];
  stopped.write(Buffer.alloc(8 * MiB));
  stopped.pause();
  const counts = others.map((socket) => {
    const count = { bytes: 0 };
    socket.on('data', ({ length }: Buffer) => {
      count.bytes += length;
    });
    socket.write(Buffer.alloc(2 * MiB));
    return count;
  });
  await until('all others have theirs', () => counts.every(({ bytes }) => bytes === 2 * MiB), 40_000);
  let drained = 0;
  stopped.on('data', ({ length }: Buffer) => {
    drained += length;
  });
  stopped.resume();
  await until('it gets its own when it reads on', () => drained === 8 * MiB, 20_000);
  for (const socket of sockets) socket.destroy();
});
