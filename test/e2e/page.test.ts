/** The page of an open relay in a real Chromium, with the network before it as it is and as censors make it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import decodeQR from 'qr/decode.js';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { NEXT_STEPS } from '../../client/check/next-steps.ts';
import { entry } from '../../dist/page/files.js';
import { toBase64url } from '../../protocol/bytes.ts';
import { SENTENCES } from '../../protocol/sentences.ts';
import { en } from '../../worker/strangers/pages/words/en.ts';
import { es } from '../../worker/strangers/pages/words/es.ts';
import { fa } from '../../worker/strangers/pages/words/fa.ts';
import { makeChain } from '../lab/certificate.ts';
import type { Fault } from '../lab/connection.ts';
import { cutAfter, filterNames, freezeAfter } from '../lab/faults.ts';
import { startMiddlebox } from '../lab/middlebox.ts';
import { random } from '../support/network/raw-client.ts';
import { pixelsOf } from '../support/pixels.ts';
import { findProgram } from '../support/program.ts';
import { type Backend, startBackend } from '../support/servers/backend.ts';
import { serve, type Workerd } from '../support/servers/workerd.ts';

const program = findProgram('chromium');
// Left out on a developer's machine, never in CI.
const skipped = !program && !process.env.CI;
if (skipped) console.log('SKIPPED: the page in Chromium. To run it: apt-get install chromium');

const KB = 1000;
const LANGUAGES = ['en', 'es', 'fa', 'ar', 'ru', 'zh-Hans', 'tr'];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** In a page. */
declare const axe: { run(): Promise<AxeResults> };

let talker: Backend;
let relay: Workerd;
/** Relays whose only backend is down, and cannot be asked. */
let lonely: Workerd;
let discreet: Workerd;
let browser: Browser;

/** What pages have asked for, and complained of, in the test that runs. */
let requests: string[] = [];
let complaints: string[] = [];

describe.skipIf(skipped)('the page', () => {
  beforeAll(async () => {
    if (!program) throw new Error('Chromium is not installed: apt-get install chromium');
    // A TLS alert is an answer, too.
    talker = await startBackend((socket) => socket.once('data', () => socket.write(Buffer.of(21, 3, 3, 0, 2, 2, 40))));
    const chain = await makeChain();
    const worker = inject('worker');
    const start = (BACKENDS: string) => serve(worker, { RELAY_KEY: toBase64url(random(32)), BACKENDS }, chain);
    relay = await start(talker.address);
    lonely = await start('localhost:1');
    discreet = await start(`any://${talker.address}`);
    browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--ignore-certificate-errors'] });
  });

  afterAll(async () => {
    await browser?.close();
    for (const server of [relay, lonely, discreet]) await server?.stop();
    await talker?.close();
  });

  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    [requests, complaints] = [[], []];
  });

  const at = (port: number) => `https://localhost:${port}/`;

  /** @param options.init runs in the page before anything of its own */
  async function open(url: string, { init, ...options }: BrowserContextOptions & { init?: () => unknown } = {}) {
    const context = await browser.newContext({ viewport: { width: 320, height: 640 }, locale: 'en', ...options });
    if (init) await context.addInitScript(init);
    const page = await context.newPage();
    page.on('request', (request) => requests.push(request.url()));
    page.on('websocket', (socket) => requests.push(socket.url().replace(/^ws/, 'http')));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', ({ message }) => complaints.push(message));
    await page.goto(url);
    return page;
  }

  /** Runs it as somebody does who has a keyboard alone. */
  async function check(page: Page) {
    await page.focus('#check-start');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#check-status.ok, #check-status.failed');
    return {
      stages: await page.$$eval('[data-stage]', (items) =>
        items.map((item) => `${item.getAttribute('data-stage')} ${item.getAttribute('data-state')}`),
      ),
      status: await page.$$eval('#check-status p', (lines) => lines.map((line) => line.textContent)),
    };
  }

  /** In light and dark. */
  async function violations(page: Page) {
    await page.evaluate(AXE);
    const found = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      found.push(...(await page.evaluate(() => axe.run())).violations);
    }
    return found.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
  }

  describe('and its check', () => {
    it.each(['', 'a/path/'])('ends in green with the time that the answer took, by /%s alone', async (path) => {
      const address = at(relay.tlsPort) + path;
      const page = await open(address);
      const { stages, status } = await check(page);
      expect(stages).toEqual(['hello ok', 'grant ok', 'backend ok', 'answer ok', 'bulk ok']);
      expect(status).toEqual([
        expect.stringMatching(/^It works\. The chat service’s answer was here after [\d,]+ ms\.$/),
      ]);
      expect(await page.getAttribute('#check-status', 'role')).toBe('status');
      expect(requests.filter((url) => !url.startsWith(address))).toEqual([]);
      expect(requests.filter((url) => url.includes('noble'))).toEqual([]);
      expect(complaints).toEqual([]);
      expect(await violations(page)).toEqual([]);
    });

    it('gets by without WebCrypto', async () => {
      const init = () => Object.defineProperty(crypto, 'subtle', { value: undefined });
      const { status } = await check(await open(at(relay.tlsPort), { init }));
      expect(status).toEqual([expect.stringMatching(/^It works\./)]);
      expect(requests.filter((url) => url.includes('noble'))).toHaveLength(1);
      expect(complaints).toEqual([]);
    });

    it('says that it stopped where the browser lacks something', async () => {
      const init = () => Object.defineProperty(globalThis, 'AbortController', { value: undefined });
      const page = await open(at(relay.tlsPort), { init });
      expect((await check(page)).status).toEqual([en.check.broken]);
      await page.waitForSelector('#check-start:not([aria-disabled])');
    });

    /** Each takes its time, so all are checked at once. */
    it('names the cause and the next step where a network filters its name, freezes its connections or cuts them', async () => {
      const behind = async (language: string, fault: Fault) => {
        const box = await startMiddlebox(relay.tlsPort);
        const page = await open(`${at(box.port)}?lang=${language}`);
        box.faults = [fault];
        const found = await check(page).finally(() => box.close());
        return { page, ...found };
      };
      const [filtered, frozen, cut] = await Promise.all([
        behind('fa', filterNames(['localhost'], 'rst')),
        behind('es', freezeAfter({ bytes: 40_000 })),
        behind('en', cutAfter({ bytes: 40_000 }, 'rst')),
      ]);
      const waiting = ['grant waiting', 'backend waiting', 'answer waiting', 'bulk waiting'];
      expect(filtered.stages).toEqual(['hello failed', ...waiting]);
      const { says, next } = fa.failures?.unreachable ?? {};
      expect(filtered.status).toEqual([`${fa.check.failed} unreachable`, says, next]);
      const passed = ['hello ok', 'grant ok', 'backend ok', 'answer ok'];
      expect([frozen.stages, cut.stages]).toEqual(Array(2).fill([...passed, 'bulk failed']));
      const { frozen: slow } = es.failures ?? {};
      expect(frozen.status).toEqual([`${es.check.failed} frozen`, slow?.says, slow?.next]);
      expect(cut.status).toEqual([
        'It does not work: carrier-lost',
        expect.stringMatching(/^The connection to the relay was lost\. .* KiB\.$/),
        NEXT_STEPS['carrier-lost'],
      ]);
      expect(await violations(filtered.page)).toEqual([]);
    });

    it('says when it is the chat service that cannot be reached', async () => {
      const { stages, status } = await check(await open(at(lonely.tlsPort)));
      expect(stages.slice(0, 4)).toEqual(['hello ok', 'grant ok', 'backend failed', 'answer waiting']);
      expect(status[0]).toBe('It does not work: backend-down');
    });

    it('says in English what the page has no words for', async () => {
      const init = () => {
        const { parse } = JSON;
        JSON.parse = (text) => ({ ...parse(text), failures: {} });
      };
      const page = await open(`${at(lonely.tlsPort)}?lang=fa`, { init });
      const { status } = await check(page);
      expect(status).toEqual([
        `${fa.check.failed} backend-down`,
        SENTENCES['backend-down'],
        NEXT_STEPS['backend-down'],
      ]);
      expect(await page.$$eval('#check-status [lang=en][dir=ltr]', (lines) => lines.length)).toBe(2);
    });

    it('goes to the relay and no further where no backend can be asked', async () => {
      const { stages, status } = await check(await open(at(discreet.tlsPort)));
      expect(stages).toEqual(['hello ok', 'grant ok', 'bulk ok']);
      expect(status).toEqual([expect.stringMatching(/^The relay works\. Its answer was here after [\d,]+ ms\.$/)]);
    });
  });

  it('fits 320 pixels in every language', async () => {
    const page = await open(at(relay.tlsPort));
    const widths: number[] = [];
    for (const language of LANGUAGES) {
      await page.goto(`${at(relay.tlsPort)}?lang=${language}`);
      widths.push(await page.evaluate(() => document.documentElement.scrollWidth));
    }
    expect(widths).toEqual(LANGUAGES.map(() => 320));
  });

  it('works without JavaScript, but for the check, which says so', async () => {
    const page = await open(at(relay.tlsPort), { javaScriptEnabled: false, locale: 'es-MX' });
    expect(await page.getAttribute('html', 'lang')).toBe('es');
    expect(await page.textContent('#link')).toMatch(/^https:\/\/localhost:\d+\/#p[a-z\d]{58}$/);
    expect(await page.locator('noscript').innerText()).toContain('JavaScript');
    expect(await page.locator('button:visible').count()).toBe(0);
    await page.click('nav a[lang=fa]');
    expect(await page.getAttribute('html', 'dir')).toBe('rtl');
    expect(requests.filter((url) => url.endsWith('.js'))).toEqual([]);
  });

  it('draws its link as a QR code that can be scanned, in the dark as well, and copies it', async () => {
    const page = await open(at(relay.tlsPort), {
      colorScheme: 'dark',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const link = await page.textContent('#link');
    const picture = await pixelsOf(page, await page.locator('.qr').screenshot());
    expect(decodeQR(picture)).toBe(link);
    // Around it, where a scanner that is less clever looks for white.
    const above = 4 * (2 * picture.width + picture.width / 2);
    expect([...picture.data.subarray(above, above + 3)]).toEqual([255, 255, 255]);
    await page.click('[data-copies=link]');
    await page.waitForSelector('#copy-status:not(:empty)', { state: 'attached' });
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);
  });

  it('is small, with its script, in every language', async () => {
    const bytesOf = async (path: string) =>
      Buffer.from(await (await fetch(`http://localhost:${relay.port}/${path}`)).arrayBuffer());
    const script = await bytesOf(entry);
    const pages = await Promise.all(LANGUAGES.map((language) => bytesOf(`?lang=${language}`)));
    const most = (sizeOf: (file: Buffer) => number) => Math.max(...pages.map(sizeOf)) + sizeOf(script);
    expect(script.length).toBeGreaterThan(10 * KB);
    // As it travels, and as it is.
    expect(most((file) => gzipSync(file).length)).toBeLessThan(28 * KB);
    expect(most((file) => file.length)).toBeLessThan(75 * KB);
  });
});
