/** The client in a real Chromium: what a page can find out of a relay, and how it gets by with several. */
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as Puente from '../../client/index.ts';
import type { RelayReport } from '../../client/index.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import { type Listening, listen } from '../support/network/listen.ts';
import { random } from '../support/network/raw-client.ts';
import { findProgram } from '../support/program.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';

const program = findProgram('chromium');
// Left out on a developer's machine, never in CI.
const skipped = !program && !process.env.CI;
if (skipped) console.log('SKIPPED: the client in Chromium. To run it: apt-get install chromium');

/** In the page. */
declare const puente: typeof Puente;

let relay: Relay;
let talker: Backend;
let echoing: Backend;
let site: Listening;
let browser: Browser;
let page: Page;

async function script(): Promise<string> {
  const entry = fileURLToPath(new URL('../../client/index.ts', import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'iife',
    globalName: 'puente',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

describe.skipIf(skipped)('in Chromium', () => {
  beforeAll(async () => {
    if (!program) throw new Error('Chromium is not installed: apt-get install chromium');
    // A TLS alert is an answer, too.
    talker = await startBackend((socket) => socket.once('data', () => socket.write(Buffer.of(21, 3, 3, 0, 2, 2, 40))));
    echoing = await startBackend(echo);
    relay = await startRelay({ BACKENDS: `${talker.address} ${echoing.entry}` });
    site = await listen(
      http.createServer((_request, response) => response.end('<!doctype html><title>a site</title>')),
    );
    browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${site.port}/`);
    await page.addScriptTag({ content: await script() });
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
    await relay?.close();
    await echoing?.close();
    await talker?.close();
  });

  async function report(address: string): Promise<RelayReport> {
    const { relays } = await page.evaluate(([address, backend]) => puente.check(address, { backend }), [
      address,
      talker.address,
    ] as const);
    return relays[0] as RelayReport;
  }

  it('a check passes the stages that a page can see', async () => {
    const { ok, code, message, stages } = await report(relay.link);
    expect({ ok, code, message }).toEqual({ ok: true, code: null, message: 'It works.' });
    expect(stages.map(({ stage }) => stage)).toEqual(['hello', 'grant', 'backend', 'answer', 'bulk']);
  });

  it.each([
    [
      'a name that does not resolve',
      () => formatLink({ url: 'https://relay.invalid/', key: random(32) }),
      'unreachable',
    ],
    ['an address that refuses', () => formatLink({ url: 'http://127.0.0.1:1/', key: random(32) }), 'unreachable'],
    ['a website', () => formatLink({ url: `http://127.0.0.1:${site.port}/`, key: random(32) }), 'unreachable'],
    ['another key than the open relay has', () => formatLink({ url: relay.origin, key: random(32) }), 'wrong-key'],
  ])('%s ends a check at the hello', async (_, address, code) => {
    const { ok, code: found, stages, message, next } = await report(address());
    expect([ok, found, stages.map(({ stage }) => stage)]).toEqual([false, code, ['hello']]);
    expect([message, next]).toEqual([expect.stringMatching(/\.$/), expect.stringMatching(/\.$/)]);
  });

  it('what is no address is told from a relay that cannot be reached, although its URL parser takes spaces', async () => {
    const { code, stages } = await report('not an address');
    expect([code, stages]).toEqual(['link-invalid', []]);
  });

  it('one relay of several is enough', async () => {
    const echoed = await page.evaluate(
      async ([links, backend]) => {
        const socket = puente.connect(backend, { relay: new puente.Relays(links) });
        const bytes = crypto.getRandomValues(new Uint8Array(65_536));
        const sent = new Blob(Array(16).fill(bytes));
        void sent.stream().pipeTo(socket.writable);
        const back = await new Response(socket.readable).arrayBuffer();
        const expected = new Uint8Array(await sent.arrayBuffer());
        return back.byteLength === expected.length && new Uint8Array(back).every((byte, at) => byte === expected[at]);
      },
      [[formatLink({ url: 'http://127.0.0.1:1/', key: random(32) }), relay.link], echoing.address] as const,
    );
    expect(echoed).toBe(true);
  });
});
