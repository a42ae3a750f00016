/**
 * Clients that send a WebSocket message of 31 MiB less its last byte: workerd holds all of it before the Worker sees any. The relay asks
 * clients that it does not hear, and ends the sessions of those that do not answer. Workerd keeps their connections all the same; nginx,
 * as `npm run selfhost` configures it, ends those.
 */
import type net from 'node:net';
import { afterAll, beforeAll, inject, it } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { toBase64url, toUtf8 } from '../../protocol/bytes.ts';
import { ANSWER_TIMEOUT, KEEPALIVE } from '../../protocol/limits.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import { nginxConf } from '../../volunteer/selfhost/proxy-files.ts';
import { makeCertificate } from '../support/fixtures/certificate.ts';
import { openHello, RawClient, random } from '../support/network/raw-client.ts';
import { residentBytes } from '../support/proc.ts';
import { findProgram } from '../support/program.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import type { Daemon } from '../support/servers/daemon.ts';
import { startProxy, written } from '../support/servers/proxies.ts';
import { serve, type Workerd } from '../support/servers/workerd.ts';
import { until } from '../support/until.ts';

const MIB = 2 ** 20;
const ATTACKERS = 10;
/** Nginx's, in place of a minute: more than a keepalive. */
const READ_TIMEOUT = 30_000;
const KEY = random(32);
const skipped = !findProgram('nginx') && !process.env.CI;
if (skipped) console.log('SKIPPED: memory behind nginx, as it is not installed: apt-get install nginx-light');

let backend: Backend;
let relay: Workerd;
let proxy: Daemon;
let link: string;

beforeAll(async () => {
  if (skipped) return;
  backend = await startBackend(echo);
  const certificate = await makeCertificate();
  relay = await serve(inject('worker'), { RELAY_KEY: toBase64url(KEY), BACKENDS: backend.entry }, certificate);
  const configuration = nginxConf({ host: 'site.example', port: 8080 }).replace(
    'proxy_read_timeout 60s',
    'proxy_read_timeout 30s',
  );
  proxy = await startProxy('nginx', written('nginx', configuration, relay.port), certificate);
  link = formatLink({ url: `http://127.0.0.1:${proxy.port}/`, key: await nodeCipher.publicKey(KEY) });
});

afterAll(async () => {
  await proxy?.close();
  await relay?.stop();
  await backend?.close();
});

/** Opens a session, speaks, and begins a message that never ends. */
async function attack(): Promise<net.Socket> {
  const client = await RawClient.open(link, openHello(backend.address, {}));
  await client.send({ type: 'ack', received: 0, limit: 65_536 });
  const socket = client.tcp;
  // It hears nothing any more, so that it does not answer a close.
  socket.removeAllListeners('data').on('data', () => {});
  // RFC 6455 section 5.2: final, binary; masked, a length of 64 bits; the mask.
  const header = Buffer.alloc(14);
  header.set([0x82, 0xff]);
  header.writeBigUInt64BE(BigInt(31 * MIB), 2);
  socket.write(header);
  await new Promise((resolve) => socket.write(Buffer.alloc(31 * MIB - 1), resolve));
  return socket;
}

it.skipIf(skipped)(
  'messages that never end take memory for a while; then their sessions are gone, and the memory is free again',
  async () => {
    const honest = await RawClient.open(link, openHello(backend.address, {}));
    await honest.send({ type: 'ack', received: 0, limit: 65_536 });
    // A client that is there answers.
    let answered = 0;
    const answering = setInterval(() => {
      for (const frame of honest.frames.slice(answered))
        if (frame.type === 'ping') void honest.send({ type: 'pong', id: frame.id });
      answered = honest.frames.length;
    }, 500);
    const before = residentBytes(relay.pid);
    try {
      const attackers = await Promise.all(Array.from({ length: ATTACKERS }, attack));
      await until('workerd holds it', () => residentBytes(relay.pid) > before + 200 * MIB, 20_000);
      const patience = KEEPALIVE + ANSWER_TIMEOUT + 10_000;
      await until('their sessions are gone', () => backend.open.size === 1, patience);
      await until('their connections are', () => attackers.every(({ destroyed }) => destroyed), READ_TIMEOUT + 15_000);
      await until('the memory is free', () => residentBytes(relay.pid) < before + 100 * MIB, 10_000);
      await honest.send({ type: 'data', offset: 0, bytes: toUtf8('still there') });
      await until('it is echoed', () => honest.frames.some(({ type }) => type === 'data'));
    } finally {
      clearInterval(answering);
      honest.close();
    }
  },
  180_000,
);
