/** The client's upgrade request, as the relay's host sees it: its headers in a browser's order, over what TLS agreed on. */
import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dial } from '../../client/node/index.ts';
import { makeCertificate } from '../support/fixtures/certificate.ts';
import { type Listening, listen } from '../support/network/listen.ts';
import { findProgram } from '../support/program.ts';

/** What Chromium 156 sends, in this order. */
const CHROMIUM = [
  'Host',
  'Connection',
  'Pragma',
  'Cache-Control',
  'User-Agent',
  'Upgrade',
  'Origin',
  'Sec-WebSocket-Version',
  'Accept-Encoding',
  'Accept-Language',
  'Sec-WebSocket-Key',
  'Sec-WebSocket-Extensions',
  'Sec-WebSocket-Protocol',
];

/** Only a browser can say these of itself. The extension would compress what does not compress. */
const UNSAID = ['User-Agent', 'Origin', 'Accept-Encoding', 'Accept-Language', 'Sec-WebSocket-Extensions'];

/** How the next upgrade request looks; it is not answered. */
function nextUpgrade(server: http.Server): Promise<{ names: string[]; application: unknown }> {
  return new Promise((resolve) =>
    server.once('upgrade', ({ rawHeaders, socket }) => {
      socket.destroy();
      resolve({
        names: rawHeaders.filter((_, at) => at % 2 === 0),
        application: socket instanceof tls.TLSSocket ? socket.alpnProtocol : undefined,
      });
    }),
  );
}

const events = { message: () => {}, closed: () => {} };

describe('the upgrade request of the Node client', () => {
  let server: https.Server;
  let listening: Listening;
  const before = tls.getCACertificates();

  beforeAll(async () => {
    const certificate = await makeCertificate();
    tls.setDefaultCACertificates([...before, certificate.cert]);
    server = https.createServer({ ...certificate, ALPNProtocols: ['h2', 'http/1.1'] });
    listening = await listen(server);
  });

  afterAll(async () => {
    tls.setDefaultCACertificates(before);
    await listening.close();
  });

  it('has its headers in the order of Chromium’s, and TLS agrees on HTTP/1.1', async () => {
    const upgrade = nextUpgrade(server);
    dial(`wss://localhost:${listening.port}/`, ['token', 'hello'], events, false);
    expect(await upgrade).toEqual({
      names: CHROMIUM.filter((name) => !UNSAID.includes(name)),
      application: 'http/1.1',
    });
  });
});

const program = findProgram('chromium');
const skipped = !program && !process.env.CI;
if (skipped) console.log('SKIPPED: the upgrade request of a real Chromium. To run it: apt-get install chromium');

it.skipIf(skipped)('Chromium sends its own as recorded', async () => {
  if (!program) throw new Error('Chromium is not installed: apt-get install chromium');
  const server = http.createServer((_request, response) => response.end('<!doctype html>'));
  const { port, close } = await listen(server);
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    const upgrade = nextUpgrade(server);
    await page.evaluate(() => void new WebSocket(location.href.replace('http', 'ws'), ['token', 'hello']));
    expect((await upgrade).names).toEqual(CHROMIUM);
  } finally {
    await browser.close();
    await close();
  }
});
