/** Stock `https`, `http` and `ws` with a PuenteAgent, through the real Worker. */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import { PuenteAgent } from '../../../client/adapters/agent.ts';
import { NODES, runExample } from '../../support/example.ts';
import { makeCertificate } from '../../support/fixtures/certificate.ts';
import { startFront, startMute } from '../../support/network/front.ts';
import { listen } from '../../support/network/listen.ts';
import type { Backend } from '../../support/servers/backend.ts';
import { type Relay, startRelay } from '../../support/servers/relay.ts';
import { until } from '../../support/until.ts';

const ends: (() => Promise<unknown>)[] = [];
const agents: PuenteAgent[] = [];
let ca: string;
let otherCa: string;
let secure: Backend;
let plain: Backend;
let mute: Backend;
let relay: Relay;

beforeAll(async () => {
  const certificate = await makeCertificate();
  ca = certificate.cert;
  otherCa = (await makeCertificate()).cert;
  const web = https.createServer(certificate, echo);
  new WebSocketServer({ server: web }).on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  for (const server of [web, http.createServer(echo)]) {
    const { port, close } = await listen(server);
    const front = await startFront(port);
    ends.push(close, front.close);
    if (server === web) secure = front;
    else plain = front;
  }
  mute = await startMute();
  ends.push(mute.close);
  const entries = [secure, mute].map(({ port }) => `localhost:${port}`);
  relay = await startRelay({ BACKENDS: [...entries, `127.0.0.1:${secure.port}`, plain.entry].join() });
  ends.push(relay.close);
});

afterEach(() => {
  for (const agent of agents.splice(0)) agent.destroy();
});

afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

function echo(request: http.IncomingMessage, response: http.ServerResponse): void {
  response.setHeader('x-path', request.url ?? '');
  request.pipe(response);
}

function agentWith(options?: https.AgentOptions): PuenteAgent {
  const agent = new PuenteAgent({ relay: relay.link }, { ca, ...options });
  agents.push(agent);
  return agent;
}

async function post(request: http.ClientRequest, body: string | Buffer) {
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { path: response.headers['x-path'], body: Buffer.concat(chunks) };
}

/** The error that a request or a WebSocket ends with. */
async function failure(failing: http.ClientRequest | WebSocket): Promise<NodeJS.ErrnoException> {
  const [error] = (await once(failing, 'error')) as [NodeJS.ErrnoException];
  return error;
}

describe('https', () => {
  const url = (path = '') => `https://localhost:${secure.port}${path}`;

  it('carries a request and its answer', async () => {
    const body = Buffer.alloc(300_000, 'سلام، خوبم 🌉');
    const answer = await post(https.request(url('/one?two'), { method: 'POST', agent: agentWith() }), body);
    expect(answer.path).toBe('/one?two');
    expect(answer.body.equals(body)).toBe(true);
  });

  it('sends one request after another through one tunnel when it is to keep it alive', async () => {
    const before = secure.accepted;
    const agent = agentWith({ keepAlive: true });
    for (const [index, text] of ['uno', 'dos', 'tres'].entries()) {
      const request = https.request(url(), { method: 'POST', agent });
      expect(String((await post(request, text)).body)).toBe(text);
      expect(request.reusedSocket).toBe(index > 0);
      // The socket goes back to the agent in the tick after the body's end.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(secure.accepted - before).toBe(1);
    agent.destroy();
    await until('the tunnel is gone', () => secure.open.size === 0);
  });

  it('opens a tunnel for each request otherwise', async () => {
    const before = secure.accepted;
    const agent = agentWith();
    for (const text of ['uno', 'dos']) {
      const { body } = await post(
        https.request(url(), { method: 'POST', agent, headers: { connection: 'close' } }),
        text,
      );
      expect(String(body)).toBe(text);
    }
    expect(secure.accepted - before).toBe(2);
    await until('no tunnel is left', () => secure.open.size === 0);
  });

  it('holds the certificate against an IP address, too', async () => {
    const request = https.request(`https://127.0.0.1:${secure.port}/`, { method: 'POST', agent: agentWith() });
    expect(String((await post(request, 'hola')).body)).toBe('hola');
  });

  it.each([
    ['by another CA', () => ({ ca: otherCa }), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['for another name', () => ({ servername: 'other.example' }), 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('refuses a certificate %s, and leaves no socket', async (_what, options, code) => {
    const request = https.get(url(), { agent: agentWith(options()) });
    expect((await failure(request)).code).toBe(code);
    await until('no tunnel is left', () => secure.open.size === 0);
  });

  it('fails with what the relay says', async () => {
    expect(await failure(https.get('https://localhost:1/', { agent: agentWith() }))).toMatchObject({
      name: 'PuenteError',
      code: 'backend-not-allowed',
    });
  });

  it('fails with what is wrong with the link', async () => {
    const agent = new PuenteAgent({ relay: 'no link' });
    expect(await failure(https.get(url(), { agent }))).toMatchObject({ name: 'PuenteError', code: 'link-invalid' });
  });

  it('leaves no socket when a request times out or is aborted before TLS stands', async () => {
    const target = `https://localhost:${mute.port}/`;
    const slow = https.get(target, { agent: agentWith(), timeout: 300 });
    await once(slow, 'timeout');
    expect(mute.open.size).toBe(1);
    slow.destroy();
    expect((await failure(slow)).code).toBe('ECONNRESET');
    await until('no tunnel is left', () => mute.open.size === 0);

    const abort = new AbortController();
    const aborted = https.get(target, { agent: agentWith(), signal: abort.signal });
    await until('the backend has accepted', () => mute.open.size === 1);
    abort.abort();
    expect((await failure(aborted)).name).toBe('AbortError');
    await until('no tunnel is left', () => mute.open.size === 0);
  });
});

describe('http', () => {
  it('works where the relay lets plain text through', async () => {
    const request = http.request(`http://127.0.0.1:${plain.port}/claro`, { method: 'POST', agent: agentWith() });
    const { path, body } = await post(request, '¿Hola?');
    expect({ path, body: String(body) }).toEqual({ path: '/claro', body: '¿Hola?' });
  });

  it('is refused everywhere else', async () => {
    const request = http.get(`http://localhost:${secure.port}/`, { agent: agentWith() });
    expect(await failure(request)).toMatchObject({ name: 'PuenteError', code: 'plaintext' });
  });
});

describe('ws', () => {
  const url = () => `wss://localhost:${secure.port}/`;

  it('opens a WebSocket, with the options that Baileys gives to it', async () => {
    // Baileys' own `agent` option has this type.
    const agent: https.Agent = agentWith();
    const options: ClientOptions & { timeout: number } = {
      origin: 'https://web.whatsapp.com',
      headers: {},
      handshakeTimeout: 20_000,
      timeout: 20_000,
      agent,
    };
    const socket = new WebSocket(url(), options);
    await once(socket, 'open');
    for (const message of [Buffer.from([0, 1, 2, 255]), Buffer.alloc(300_000, 7), Buffer.from('你好，桥通了')]) {
      const arrival = once(socket, 'message');
      socket.send(message);
      const [data] = (await arrival) as [Buffer];
      expect(data.equals(message)).toBe(true);
    }
    socket.close();
    await once(socket, 'close');
    await until('no tunnel is left', () => secure.open.size === 0);
  });

  it('fails with what the relay says', async () => {
    const socket = new WebSocket('wss://localhost:1/', { agent: agentWith() });
    expect(await failure(socket)).toMatchObject({ name: 'PuenteError', code: 'backend-not-allowed' });
  });

  it('refuses a certificate by another CA', async () => {
    const socket = new WebSocket(url(), { agent: agentWith({ ca: otherCa }) });
    expect((await failure(socket)).code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
  });

  it('leaves no socket when its handshake takes too long', async () => {
    const socket = new WebSocket(`wss://localhost:${mute.port}/`, { agent: agentWith(), handshakeTimeout: 300 });
    expect((await failure(socket)).message).toBe('Opening handshake has timed out');
    await until('no tunnel is left', () => mute.open.size === 0);
  });
});

it.each(NODES)('has an example that runs: %s', async (node) => {
  expect(await runExample(node, 'agent', [relay.link, `wss://localhost:${secure.port}/`], ca)).toBe('¿Me lees?\n');
});
