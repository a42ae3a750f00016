/** `puente forward` as people use it: curl, a browser and an XMPP client, none of which knows of Puente. */
import { spawn } from 'node:child_process';
import https from 'node:https';
import { client, type Element, xml } from '@xmpp/client';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Command } from '../../support/command.ts';
import { type Certificate, makeCertificate } from '../../support/fixtures/certificate.ts';
import { type Listening, listen } from '../../support/network/listen.ts';
import { findProgram } from '../../support/program.ts';
import type { Daemon } from '../../support/servers/daemon.ts';
import { startProsody } from '../../support/servers/prosody.ts';
import { type Relay, startRelay } from '../../support/servers/relay.ts';
import { until } from '../../support/until.ts';

const programs = { curl: findProgram('curl'), chromium: findProgram('chromium'), prosody: findProgram('prosody') };

/** Left out on a developer's machine, never in CI. */
function lacks(name: keyof typeof programs): boolean {
  const skipped = !programs[name] && !process.env.CI;
  if (skipped) console.log(`SKIPPED: ${name} through a forward, as it is not installed: apt-get install ${name}`);
  return skipped;
}

const PAGE = '<!doctype html><title>桥</title><p>¿Qué tal?</p><img src="/big">';
const BIG = Buffer.alloc(3_000_000, 'puente');

let certificate: Certificate;
let site: Listening;
let prosody: Daemon | undefined;
let relay: Relay;
let forward: Command | undefined;

beforeAll(async () => {
  certificate = await makeCertificate();
  const serve = (request: { url?: string | undefined }) => (request.url === '/big' ? BIG : PAGE);
  site = await listen(
    https.createServer(certificate, (request, response) => {
      response.setHeader('Content-Type', request.url === '/big' ? 'image/png' : 'text/html; charset=utf-8');
      response.end(serve(request));
    }),
  );
  if (programs.prosody) prosody = await startProsody(programs.prosody, certificate, { ana: 'secret' });
  relay = await startRelay({ BACKENDS: `localhost:${site.port}${prosody ? ` localhost:${prosody.port}` : ''}` });
});

afterEach(async () => {
  forward?.kill();
  await forward?.gone();
});

afterAll(async () => {
  await relay?.close();
  await prosody?.close();
  await site?.close();
});

/** @returns where it listens */
async function start(listening: string): Promise<string> {
  forward = new Command(process.execPath, ['client/cli/main.ts', 'forward', '--json', '-L', listening, relay.link]);
  await forward.says('"listening"');
  return told('listening')[0]?.at as string;
}

/** Events of that name so far. */
function told(event: string): Record<string, unknown>[] {
  const lines = forward?.stdout.split('\n').filter((line) => line !== '') ?? [];
  return lines.map((line) => JSON.parse(line)).filter((one) => one.event === event);
}

/** Not spawnSync: the site is in this process. */
function curl(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn('curl', [
      '--silent',
      '--show-error',
      '--insecure',
      '--noproxy',
      '',
      '--max-time',
      '20',
      ...args,
    ]);
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('latin1').on('data', (text: string) => {
        output[stream] += text;
      });
    child.on('close', (status) => resolve({ status, ...output }));
  });
}

describe.skipIf(lacks('curl'))('curl', () => {
  it.each(['socks5', 'http'])('opens a site of TLS through %s', async (scheme) => {
    const at = await start(`${scheme}://0`);
    const proxy = at.replace('socks5:', 'socks5h:');
    const { status, stdout, stderr } = await curl('--proxy', proxy, `https://localhost:${site.port}/big`);
    expect([status, stderr, stdout === BIG.toString('latin1')]).toEqual([0, '', true]);
    expect(told('relay')).toMatchObject([{ relay: new URL(relay.origin).host }]);
    await until('the session is over', () => told('closed').length === 1);
    expect(told('closed')[0]).toMatchObject({ code: null, open: 0, sessions: 1, reconnects: 0 });
    expect(told('closed')[0]?.received).toBeGreaterThan(BIG.length);
  });

  it('is told what the relay does not reach', async () => {
    const socks = await curl(
      '--proxy',
      (await start('socks5://0')).replace('socks5:', 'socks5h:'),
      'https://localhost:1/',
    );
    expect([socks.status, socks.stderr]).toEqual([97, expect.stringContaining('(2)')]);
    // As a name is looked up here, there is an address to ask for, which no relay lists.
    await curl('--proxy', told('listening')[0]?.at as string, `https://localhost:${site.port}/`);
    await until('it is told', () => told('failed').length === 2);
    expect(told('failed')).toMatchObject([
      { code: 'backend-not-allowed', next: expect.stringContaining('chat service') },
      { code: 'backend-not-allowed', next: expect.stringContaining('socks5h') },
    ]);
    // Nothing says where an app wanted to go.
    expect(forward?.stdout).not.toContain('localhost');
    forward?.kill();
    await forward?.gone();
    const http = await curl('--proxy', await start('http://0'), 'https://localhost:1/');
    expect([http.status, http.stderr]).toEqual([56, expect.stringContaining('403')]);
  });

  it('gets no plain page through the HTTP proxy', async () => {
    const at = await start('http://0');
    const { stdout } = await curl('--proxy', at, '--write-out', '%{http_code}', 'http://localhost/');
    expect(stdout).toBe('Only CONNECT is served here.\n405');
  });
});

describe.skipIf(lacks('chromium'))('a browser', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: programs.chromium as string, args: ['--no-sandbox'] });
  });

  afterAll(() => browser?.close());

  it.each(['socks5', 'http'])('opens a site of TLS through %s', async (scheme) => {
    const at = await start(`${scheme}://0`);
    const context = await browser.newContext({ ignoreHTTPSErrors: true, proxy: { server: at, bypass: '<-loopback>' } });
    try {
      const page = await context.newPage();
      await page.goto(`https://localhost:${site.port}/`);
      expect(await page.title()).toBe('桥');
      expect(await page.textContent('p')).toBe('¿Qué tal?');
      const length = await page.evaluate(async () => (await (await fetch('/big')).arrayBuffer()).byteLength);
      expect(length).toBe(BIG.length);
    } finally {
      await context.close();
    }
    expect(told('opened').length).toBeGreaterThan(0);
  });
});

describe.skipIf(lacks('prosody'))('an XMPP client', () => {
  it('signs in and talks through a forwarded port', async () => {
    const at = await start(`0:localhost:${prosody?.port}`);
    const [, port] = /:(\d+) →/.exec(at) ?? [];
    // The library takes what Node trusts, and has no setting of its own for it.
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    const ana = client({
      service: `xmpps://127.0.0.1:${port}`,
      domain: 'localhost',
      username: 'ana',
      password: 'secret',
    });
    ana.reconnect.stop();
    try {
      const heard = new Promise<string | null>((resolve, reject) => {
        ana.on('error', reject);
        ana.on('stanza', (stanza: Element) => stanza.is('message') && resolve(stanza.getChildText('body')));
      });
      await ana.start();
      await ana.send(xml('presence'));
      await ana.send(xml('message', { type: 'chat', to: 'ana@localhost' }, xml('body', {}, 'Nota para mí')));
      expect(await heard).toBe('Nota para mí');
    } finally {
      await ana.stop();
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });
});
