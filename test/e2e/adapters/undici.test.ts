/** Stock undici, and the fetch within Node, with Puente's connector, through the real Worker. */
import http from 'node:http';
import http2 from 'node:http2';
import { Agent, request, fetch as undiciFetch } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connector } from '../../../client/adapters/undici.ts';
import { NODES, runExample } from '../../support/example.ts';
import { makeCertificate } from '../../support/fixtures/certificate.ts';
import { startFront, startMute } from '../../support/network/front.ts';
import { listen } from '../../support/network/listen.ts';
import { type Backend, startSilentBackend } from '../../support/servers/backend.ts';
import { type Relay, startRelay } from '../../support/servers/relay.ts';
import { until } from '../../support/until.ts';

const ends: (() => Promise<unknown>)[] = [];
const dispatchers: Agent[] = [];
let ca: string;
let otherCa: string;
let secure: Backend;
let plain: Backend;
let mute: Backend;
let silent: string;
let relay: Relay;

beforeAll(async () => {
  const certificate = await makeCertificate();
  ca = certificate.cert;
  otherCa = (await makeCertificate()).cert;
  const web = http2.createSecureServer({ ...certificate, allowHTTP1: true }, (asked, response) => {
    // With neither a length nor chunks the end of the connection is the end of the answer.
    if (asked.url === '/unmeasured') {
      Object.assign(response, { useChunkedEncodingByDefault: false });
      response.write('x'.repeat(200_000));
      return void response.end('fin');
    }
    if (asked.method === 'GET') return void response.end(asked.url);
    response.setHeader('x-version', asked.httpVersion);
    response.setHeader('x-connection', String(asked.socket.remotePort));
    asked.pipe(response);
  });
  for (const server of [web, http.createServer((asked, response) => void asked.pipe(response))]) {
    const { port, close } = await listen(server);
    const front = await startFront(port);
    ends.push(close, front.close);
    if (server === web) secure = front;
    else plain = front;
  }
  mute = await startMute();
  const silentBackend = await startSilentBackend();
  silent = silentBackend.address;
  ends.push(mute.close, silentBackend.close);
  const entries = [secure, mute].map(({ port }) => `localhost:${port}`);
  relay = await startRelay({ BACKENDS: [...entries, plain.entry, `any://${silent}`].join() });
  ends.push(relay.close);
});

afterEach(async () => {
  for (const dispatcher of dispatchers.splice(0)) await dispatcher.destroy();
});

afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

function through(options?: Parameters<typeof connector>[1], link = relay.link): Agent {
  const dispatcher = new Agent({ connect: connector({ relay: link }, { ca, ...options }) });
  dispatchers.push(dispatcher);
  return dispatcher;
}

const url = (path = '') => `https://localhost:${secure.port}${path}`;

/** The two fetches differ in their types alone. */
const fetches: [string, typeof undiciFetch][] = [
  ['fetch of undici', undiciFetch],
  ['fetch of Node', fetch as unknown as typeof undiciFetch],
];

describe.each(fetches)('%s', (_name, fetch) => {
  it('carries a request and its answer', async () => {
    const body = 'سلام، خوبم 🌉'.repeat(20_000);
    const response = await fetch(url('/one'), { method: 'POST', body, dispatcher: through() });
    expect((await response.text()) === body).toBe(true);
  });

  it('fails because of what the relay says', async () => {
    await expect(fetch(`https://${mute.address}/`, { dispatcher: through() })).rejects.toMatchObject({
      cause: { name: 'PuenteError', code: 'backend-not-allowed' },
    });
  });

  it('refuses a certificate by another CA, and leaves no socket', async () => {
    const failed = fetch(url(), { dispatcher: through({ ca: otherCa }) });
    await expect(failed).rejects.toMatchObject({ cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
    await until('no tunnel is left', () => secure.open.size === 0);
  });

  it('is aborted at once, and leaves no socket when its time to connect is over', async () => {
    const abort = new AbortController();
    const dispatcher = through({ timeout: 1000 });
    const aborted = fetch(`https://localhost:${mute.port}/`, { dispatcher, signal: abort.signal });
    await until('the backend has accepted', () => mute.open.size === 1);
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    // undici leaves it to its connector to end a connection that nobody waits for any more.
    await until('no tunnel is left', () => mute.open.size === 0);
  });

  it('leaves no socket when it is aborted while the answer comes', async () => {
    const abort = new AbortController();
    const endless = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('más')) });
    const response = await fetch(url(), {
      method: 'POST',
      body: endless,
      duplex: 'half',
      dispatcher: through(),
      signal: abort.signal,
    });
    expect(secure.open.size).toBe(1);
    abort.abort();
    await expect(response.text()).rejects.toMatchObject({ name: 'AbortError' });
    await until('no tunnel is left', () => secure.open.size === 0);
  });
});

describe('request', () => {
  it('sends one request after another through one tunnel', async () => {
    const dispatcher = new Agent({ connect: connector({ relay: relay.link }, { ca }), connections: 1 });
    dispatchers.push(dispatcher);
    const connections = new Set<unknown>();
    for (const text of ['uno', 'dos', 'tres']) {
      const { headers, body } = await request(url(), { method: 'POST', body: text, dispatcher });
      expect(await body.text()).toBe(text);
      connections.add(headers['x-connection']);
    }
    expect(connections.size).toBe(1);
    await dispatcher.close();
    await until('the tunnel is gone', () => secure.open.size === 0);
  });

  it.each([
    [true, '2.0'],
    [false, '1.1'],
  ])('speaks HTTP/2 when it may: %s', async (allowH2, version) => {
    const { headers, body } = await request(url(), { method: 'POST', body: '你好', dispatcher: through({ allowH2 }) });
    expect(headers['x-version']).toBe(version);
    expect(await body.text()).toBe('你好');
  });

  it('holds the certificate against the name that it is told', async () => {
    const failed = request(url(), { dispatcher: through({ servername: 'other.example' }) });
    await expect(failed).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it.each([
    ['https', () => `https://localhost:${mute.port}/`],
    ['http', () => `http://${silent}/`],
  ])('gives up in its time over %s, and leaves no socket', async (_protocol, target) => {
    const failed = request(target(), { dispatcher: through({ timeout: 1000 }) });
    await expect(failed).rejects.toMatchObject({ code: 'UND_ERR_CONNECT_TIMEOUT' });
    await until('no tunnel is left', () => mute.open.size === 0);
  });

  it.each(['https', 'http'])('fails with what is wrong with the link, over %s', async (protocol) => {
    const failed = request(`${protocol}://localhost/`, { dispatcher: through({}, 'no link') });
    await expect(failed).rejects.toMatchObject({ name: 'PuenteError', code: 'link-invalid' });
  });

  it('takes an answer that ends with its connection', async () => {
    const { headers, body } = await request(url('/unmeasured'), { dispatcher: through() });
    expect(headers).not.toHaveProperty('transfer-encoding');
    expect((await body.text()) === `${'x'.repeat(200_000)}fin`).toBe(true);
    await until('no tunnel is left', () => secure.open.size === 0);
  });

  it('goes without TLS where the relay lets plain text through', async () => {
    const target = `http://${plain.address}/`;
    const { body } = await request(target, { method: 'POST', body: '¿Hola?', dispatcher: through() });
    expect(await body.text()).toBe('¿Hola?');
  });

  it('does not go without TLS anywhere else', async () => {
    const failed = request(`http://localhost:${secure.port}/`, { dispatcher: through() });
    await expect(failed).rejects.toMatchObject({ name: 'PuenteError', code: 'plaintext' });
  });
});

it.each(NODES)('has an example that runs: %s', async (node) => {
  expect(await runExample(node, 'fetch', [relay.link, url('/hola')], ca)).toBe('200 /hola\n');
});
