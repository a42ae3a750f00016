/**
 * The ports that WhatsApp's app expects of a proxy: each leads where WhatsApp's own proxy leads, with TLS where that belongs. The
 * names of WhatsApp's servers lead to servers of this test's; all else is real.
 */
import type net from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../client/gateway/certificate.ts';
import { type Port, PRESETS } from '../../../client/gateway/presets.ts';
import { type Backend, startBackend } from '../../support/servers/backend.ts';
import { everything, TestGateway } from '../../support/servers/gateway.ts';
import { type Relay, startRelay } from '../../support/servers/relay.ts';

/** What begins a connection of the app's, as a relay requires it. */
const FLIGHT = 'WA\x06\x03 and more';

const NAMES = ['g.whatsapp.net:5222', 'g.whatsapp.net:80', 'whatsapp.net:443'];
const certificate = makeCertificate(['localhost', '127.0.0.1']);
const ports = PRESETS.whatsapp?.ports(certificate) ?? [];

let backends: Map<string, Backend>;
let relay: Relay;
let gateway: TestGateway;

beforeAll(async () => {
  const started = NAMES.map(async (name): Promise<[string, Backend]> => {
    // Says who it is, and all that it was sent.
    const serve = (socket: net.Socket): void => {
      socket.write(`${name} `);
      socket.pipe(socket);
    };
    return [name, await startBackend(serve)];
  });
  backends = new Map(await Promise.all(started));
  const entries = [...backends.values()].map(({ address }) => `whatsapp://${address}`);
  relay = await startRelay({ BACKENDS: entries.join(' ') });
});

beforeEach(() => {
  gateway = new TestGateway(relay.link, (name) => backends.get(name)?.address ?? name);
});

afterEach(async () => {
  await gateway.close();
});

afterAll(async () => {
  await relay.close();
  for (const backend of backends.values()) await backend.close();
});

function presetPort(number: number): Port {
  const found = ports.find(({ port }) => port === number);
  if (!found) throw new Error(`The gateway has no port ${number}`);
  return found;
}

/** What a client gets back that sends this, and no more. */
async function talk(port: number, isSecure: boolean, words = FLIGHT): Promise<string> {
  const plain = await gateway.client(port);
  const socket = isSecure ? tls.connect({ socket: plain, ca: certificate.cert, host: 'localhost' }) : plain;
  socket.on('error', () => {}).end(words, 'latin1');
  return everything(socket);
}

it('are those of its own proxy', () => {
  expect(ports.map(({ port }) => port)).toEqual([443, 80, 5222, 587, 7777]);
});

describe('a port that a phone uses', () => {
  it.each([
    [443, 'g.whatsapp.net:5222', true],
    [80, 'g.whatsapp.net:80', false],
    [5222, 'g.whatsapp.net:5222', false],
    [587, 'whatsapp.net:443', false],
    [7777, 'whatsapp.net:443', false],
  ])('%i leads to %s', async (number, name, isSecure) => {
    const port = await gateway.listen(presetPort(number).entrance);
    expect(await talk(port, isSecure)).toBe(`${name} ${FLIGHT}`);
  });

  it('is of use for nothing else', async () => {
    const port = await gateway.listen(presetPort(443).entrance);
    const socket = await gateway.client(port);
    socket.write(FLIGHT);
    await everything(socket);
    expect(gateway.told('refused')).toHaveLength(1);
    expect(gateway.tunnels).toHaveLength(0);
  });

  it.each([
    [443, true],
    [80, false],
    [7777, false],
  ])('%i refuses a web page’s request before it opens anything', async (number, isSecure) => {
    const port = await gateway.listen(presetPort(number).entrance);
    expect(await talk(port, isSecure, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1.1 403 /);
    expect(gateway.told('refused')).toHaveLength(1);
    expect(gateway.tunnels).toHaveLength(0);
  });

  it('breaks inside of TLS too, when the backend does', async () => {
    const socket = tls.connect({
      socket: await gateway.client(await gateway.listen(presetPort(443).entrance)),
      ca: certificate.cert,
      host: 'localhost',
    });
    const failed = new Promise((resolve) => socket.on('error', resolve));
    socket.write(FLIGHT, 'latin1');
    await new Promise((resolve) => socket.once('data', resolve));
    for (const { open } of backends.values()) for (const one of open) one.resetAndDestroy();
    expect(await failed).toMatchObject({ code: 'ECONNRESET' });
  });
});
