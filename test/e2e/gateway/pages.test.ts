/**
 * What a web page in the user's browser can do to a forwarded port: HTTP requests, calls to a TURN server, and
 * connections that are opened ahead and say something later. And apps of all kinds, which must not notice what is done
 * against it. The Worker has its rate limiters.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FIRST_BYTES_WAIT } from '../../../client/gateway/beginning.ts';
import { to } from '../../../client/gateway/entrance.ts';
import { parseForward } from '../../../client/gateway/forward.ts';
import { take } from '../../../client/gateway/reading.ts';
import { type Certificate, makeCertificate } from '../../support/fixtures/certificate.ts';
import { type Listening, listen } from '../../support/network/listen.ts';
import { findProgram } from '../../support/program.ts';
import { type Backend, startBackend } from '../../support/servers/backend.ts';
import { everything, TestGateway } from '../../support/servers/gateway.ts';
import { type LocalRelay, startRelay } from '../../support/servers/harness-relay.ts';
import { until } from '../../support/until.ts';

/** More than the relay forgives one source in two of its minutes (FAULTS in wrangler.toml). */
const MANY = 45;

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

let certificate: Certificate;
/** A TLS backend, and what stands before it to hear all that comes. */
let app: Listening;
let secure: Backend;
let heard: Buffer;
/** Speaks first, then says again what it hears. */
let greeting: Backend;
let site: Listening;
let relay: LocalRelay;
let front: Front;
let gateway: TestGateway;

beforeAll(async () => {
  certificate = await makeCertificate();
  app = await listen(tls.createServer(certificate, (socket) => void socket.on('error', () => {}).pipe(socket)));
  secure = await startBackend((socket) => {
    socket.on('data', (bytes) => {
      heard = Buffer.concat([heard, bytes]);
    });
    const inner = net.connect(app.port, '127.0.0.1').on('error', () => {});
    socket.pipe(inner).pipe(socket);
  });
  greeting = await startBackend((socket) => {
    socket.write('220 hello\r\n');
    socket.pipe(socket);
  });
  site = await listen(http.createServer((request, response) => response.end(`page ${request.url}`)));
  relay = await startRelay({
    BACKENDS: `${secure.address} ${greeting.entry} any://127.0.0.1:${site.port}`,
  });
});

beforeEach(async () => {
  heard = Buffer.alloc(0);
  front = await startFront(Number(new URL(relay.origin).port));
  gateway = new TestGateway(relay.link.replace(relay.origin, front.origin));
});

afterEach(async () => {
  await gateway.close();
  await front.close();
});

afterAll(async () => {
  await relay.close();
  await site.close();
  await greeting.close();
  await secure.close();
  await app.close();
});

interface Front {
  origin: string;
  /** Connections to the relay so far. */
  accepted: number;
  /** Milliseconds that the relay's answers take on connections that are accepted from now on. */
  delay: number;
  close(): Promise<void>;
}

/** Each has a source of its own: one that is over its limit stays so for a minute. */
let sources = 0;

/** Stands before the relay as Cloudflare's edge does, which says where a client comes from. */
async function startFront(port: number): Promise<Front> {
  sources += 1;
  const source = `\r\nCF-Connecting-IP: 198.51.100.${sources}\r\n`;
  const server = net.createServer({ noDelay: true }, (near) => {
    front.accepted += 1;
    const { delay } = front;
    const far = net.connect({ port, host: '127.0.0.1', noDelay: true });
    near.once('data', (head) => {
      far.write(head.toString('latin1').replace('\r\n', source), 'latin1');
      near.pipe(far);
    });
    far.on('data', (bytes) => void setTimeout(() => near.write(bytes), delay));
    near.on('error', () => {}).on('close', () => far.destroy());
    far.on('error', () => {}).on('close', () => near.destroy());
  });
  const listening = await listen(server);
  const front = { origin: `http://127.0.0.1:${listening.port}/`, accepted: 0, delay: 0, close: listening.close };
  return front;
}

const toSecure = () => gateway.listen(to(secure.address));

/** What a client is told that sends these parts, one after another. */
async function ask(port: number, parts: Iterable<string>, pause = 0): Promise<string> {
  const socket = await gateway.client(port);
  const answer = everything(socket);
  for (const part of parts) {
    if (socket.destroyed || socket.readableEnded) break;
    socket.write(part, 'latin1');
    if (pause > 0) await sleep(pause);
  }
  return answer;
}

async function connectTls(port: number): Promise<tls.TLSSocket> {
  const options = { socket: await gateway.client(port), ca: certificate.cert, host: 'localhost' };
  return tls.connect(options).on('error', () => {});
}

/** An app with TLS of its own says hello, and is answered. */
async function expectService(port: number): Promise<void> {
  const socket = await connectTls(port);
  socket.write('hello');
  expect(String(await take(socket, 5))).toBe('hello');
  socket.destroy();
}

function expectRefusal(answer: string): void {
  expect(answer).toMatch(
    /^HTTP\/1\.1 403 .*\r\nConnection: close\r\n\r\nThis port is not for HTTP.* -L PORT:any:\/\//s,
  );
}

describe('at a port that leads to a TLS backend, a web page', () => {
  it('opens nothing by its requests, however many, and the app is served at once', async () => {
    const port = await toSecure();
    for (const answer of await Promise.all(Array.from({ length: MANY }, () => ask(port, [GET])))) expectRefusal(answer);
    expect(front.accepted).toBe(0);
    expect(gateway.tunnels).toHaveLength(0);
    expect(gateway.events).toEqual([{ event: 'refused', message: expect.stringContaining('not for HTTP') }]);
    await expectService(port);
  });

  it.each([
    ['a form', 'POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=b'],
    ['the question before another method', 'OPTIONS / HTTP/1.1\r\nAccess-Control-Request-Method: FOO\r\n\r\n'],
    ['a method that it made up', 'foo-bar / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a WebSocket', 'GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'],
    ['a long address', `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`],
    ['what a browser says to its proxy', 'GET http://chat.example/ HTTP/1.1\r\n\r\n'],
    ['what it says to it for TLS', 'CONNECT chat.example:443 HTTP/1.1\r\n\r\n'],
  ])('opens nothing by %s', async (_, request) => {
    expectRefusal(await ask(await toSecure(), [request]));
    expect(front.accepted).toBe(0);
  });

  it('opens nothing by a request that comes byte by byte', async () => {
    const port = await toSecure();
    for (const answer of await Promise.all(['GET', 'HEAD', 'OPTIONS'].map((method) => ask(port, `${method} /`, 30))))
      expectRefusal(answer);
    expect(front.accepted).toBe(0);
  });

  it('opens nothing by a request that is slower than an app that waits', async () => {
    expectRefusal(await ask(await toSecure(), ['G', 'ET ', '/'], 2 * FIRST_BYTES_WAIT));
    expect(front.accepted).toBe(0);
  });

  it('does no harm by connections that it opens ahead and uses later', async () => {
    const port = await toSecure();
    const sockets = await Promise.all(Array.from({ length: MANY }, () => gateway.client(port)));
    await until('their sessions are open', () => gateway.totals.open === MANY);
    const answers = sockets.map(everything);
    for (const socket of sockets) socket.write(GET);
    for (const answer of await Promise.all(answers)) expectRefusal(answer);
    await until('their sessions are over', () => gateway.totals.open === 0);
    expect(gateway.told('closed').map(({ code }) => code)).toEqual(Array(MANY).fill(null));
    expect(gateway.totals.sent).toBe(0);
    expect(heard).toHaveLength(0);
    await expectService(port);
  });

  it('does no harm when its request comes while its session opens', async () => {
    const port = await toSecure();
    front.delay = 500;
    const sockets = await Promise.all(Array.from({ length: MANY }, () => gateway.client(port)));
    await until('their sessions are under way', () => front.accepted === MANY);
    const answers = sockets.map(everything);
    for (const socket of sockets) socket.write(GET);
    for (const answer of await Promise.all(answers)) expectRefusal(answer);
    expect(gateway.totals.sessions).toBe(0);
    front.delay = 0;
    await expectService(port);
    expect(gateway.told('failed')).toEqual([]);
  });
});

const programs = { curl: findProgram('curl'), chromium: findProgram('chromium') };

/** Left out on a developer's machine, never in CI. */
function lacks(name: keyof typeof programs): boolean {
  const skipped = !programs[name] && !process.env.CI;
  if (skipped) console.log(`SKIPPED: ${name} at a forwarded port, as it is not installed: apt-get install ${name}`);
  return skipped;
}

it.skipIf(lacks('chromium'))('a page in a real browser does no harm, whatever it tries', async () => {
  const port = await toSecure();
  const browser = await chromium.launch({ executablePath: programs.chromium as string, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${site.port}/`);
    await page.evaluate(attack, [port, MANY] as const);
  } finally {
    await browser.close();
  }
  // It may have connected ahead.
  await until('no session is left', () => gateway.totals.open === 0);
  expect([gateway.told('refused').length > 0, gateway.totals.sent, heard.length]).toEqual([true, 0, 0]);
  await expectService(port);
});

/** Runs in the page. */
async function attack([port, many]: readonly [number, number]): Promise<void> {
  const at = `127.0.0.1:${port}`;
  const turn = { urls: `turn:${at}?transport=tcp`, username: 'a', credential: 'b' };
  await new Promise((resolve) => {
    new WebSocket(`ws://${at}/`).onclose = resolve;
  });
  const requests = Array.from({ length: many }, () => fetch(`http://${at}/`, { mode: 'no-cors' }).catch(() => {}));
  const calls = Array.from({ length: many }, async () => {
    const call = new RTCPeerConnection({ iceServers: [turn] });
    const gathered = new Promise<void>((resolve) => {
      call.onicegatheringstatechange = () => call.iceGatheringState === 'complete' && resolve();
    });
    call.createDataChannel('');
    await call.setLocalDescription(await call.createOffer());
    await gathered;
    call.close();
  });
  await Promise.all([...requests, ...calls]);
}

it('a TLS app’s first bytes ride in the hello', async () => {
  const port = await toSecure();
  front.delay = 2000;
  const socket = await connectTls(port);
  // Nothing of the relay's has come back to the gateway by then.
  await until('the backend has a ClientHello', () => heard.length > 0, 1500);
  expect([heard[0], heard[5], gateway.totals.sessions]).toEqual([22, 1, 0]);
  socket.destroy();
});

describe('at a port that leads to a backend without TLS', () => {
  const toGreeting = () => gateway.listen(to(greeting.address));

  it('a server that speaks first is heard, and its client then', async () => {
    const socket = await gateway.client(await toGreeting());
    const began = performance.now();
    expect(String(await take(socket, 11))).toBe('220 hello\r\n');
    expect(performance.now() - began).toBeGreaterThan(FIRST_BYTES_WAIT - 50);
    for (const words of ['G', 'REETINGS\r\n', 'GET / HTTP/1.1\r\n\r\n']) {
      socket.write(words);
      await sleep(20);
    }
    socket.end();
    expect(await everything(socket)).toBe('GREETINGS\r\nGET / HTTP/1.1\r\n\r\n');
    expect(gateway.told('refused')).toEqual([]);
  });

  it('a client that only listens, and has said so, waits for nothing', async () => {
    const socket = await gateway.client(await toGreeting());
    socket.end();
    expect(await everything(socket)).toBe('220 hello\r\n');
  });

  it.each([
    'NICK ana\r\n',
    'SSH-2.0-OpenSSH_9.6 Debian\r\n',
    'CONNECT {"verbose":false}\r\n',
    'OPTIONS sip:ana@chat.example SIP/2.0\r\n',
    'GET key\r\n',
    'GET',
    '\x16\x03\x01\x00',
    '\x00',
  ])('%j is carried', async (words) => {
    const port = await toGreeting();
    for (const parts of [[words], words]) {
      const socket = await gateway.client(port);
      for (const part of parts) {
        socket.write(part, 'latin1');
        await sleep(5);
      }
      socket.end();
      expect(await everything(socket)).toBe(`220 hello\r\n${words}`);
    }
    expect(gateway.told('refused')).toEqual([]);
  });
});

describe('a site without TLS', () => {
  const listenAt = (scheme: string) => gateway.listen(parseForward(`0:${scheme}127.0.0.1:${site.port}`).entrance);

  it('is had through a port that is for it', async () => {
    const port = await listenAt('any://');
    const [response] = (await once(http.get({ port, host: '127.0.0.1', path: '/a' }), 'response')) as [
      http.IncomingMessage,
    ];
    expect(await text(response)).toBe('page /a');
  });

  it.skipIf(lacks('curl'))('is had by curl, which is told how', async () => {
    const refused = await curl(`http://127.0.0.1:${await listenAt('')}/b`);
    expect(refused).toMatch(/^This port is not for HTTP.* -L PORT:any:\/\/HOST:HOSTPORT\n403$/);
    expect(gateway.tunnels).toHaveLength(0);
    expect(await curl(`http://127.0.0.1:${await listenAt('any://')}/b`)).toBe('page /b200');
  });
});

/** The body, and the status. Not spawnSync: the site is in this process. */
function curl(url: string): Promise<string> {
  return text(spawn('curl', ['--silent', '--noproxy', '*', '--write-out', '%{http_code}', url]).stdout);
}
