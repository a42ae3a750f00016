/**
 * `node test/pictures/main.ts`: takes the pictures of an open relay's page that are in docs/images, from a relay and a chat server on this
 * machine, in Chromium.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { toBase64url } from '../../protocol/bytes.ts';
import { bundle } from '../../volunteer/relay/bundle.ts';
import { makeChain } from '../lab/certificate.ts';
import { freezeAfter } from '../lab/faults.ts';
import { startMiddlebox } from '../lab/middlebox.ts';
import { ROOT } from '../support/command.ts';
import { random } from '../support/network/raw-client.ts';
import { pixelsOf } from '../support/pixels.ts';
import { findProgram } from '../support/program.ts';
import { startBackend } from '../support/servers/backend.ts';
import { serve } from '../support/servers/workerd.ts';
import { smallPng } from './png.ts';

const FOLDER = join(ROOT, 'docs/images');
const ORIGIN = 'https://two-words.example.workers.dev/';

/** What of it is shown, and how. */
interface Picture {
  name: string;
  language: string;
  theme: 'light' | 'dark';
  width: number;
  /** From the top of the first element to the end of the second. */
  from: string;
  to: string;
}

const PAGES: Picture[] = [
  { name: 'relay-page-en', language: 'en', theme: 'light', width: 440, from: 'nav', to: 'figure' },
  { name: 'relay-page-fa', language: 'fa', theme: 'dark', width: 360, from: 'nav', to: 'figure' },
];
const GREEN: Picture = {
  name: 'relay-page-check',
  language: 'en',
  theme: 'light',
  width: 480,
  from: '#check-start',
  to: '#check-status',
};
const FAILED: Picture = { ...GREEN, name: 'relay-page-check-failed', language: 'fa' };

async function open(browser: Browser, { language, theme, width }: Picture): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: theme });
  await page.goto(`${ORIGIN}?lang=${language}`);
  return page;
}

async function check(page: Page): Promise<void> {
  await page.click('#check-start');
  await page.waitForSelector('#check-status.ok, #check-status.failed');
  // Not with the ring around what was clicked.
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
}

async function take(page: Page, { name, from, to, width }: Picture): Promise<void> {
  await page.evaluate(() => scrollTo(0, 0));
  const [first, last] = await Promise.all([from, to].map((selector) => page.locator(selector).boundingBox()));
  if (!first || !last) throw new Error(`${name}: ${from} or ${to} is not there`);
  const margin = 12;
  const y = Math.max(0, first.y - margin);
  const clip = { x: 0, y, width, height: last.y + last.height + margin - y };
  const shown = await pixelsOf(page, await page.screenshot({ fullPage: true, clip }));
  const png = smallPng(shown.width, shown.height, shown.data);
  writeFileSync(join(FOLDER, `${name}.png`), png);
  process.stdout.write(`${name}.png ${png.length} bytes\n`);
  await page.close();
}

const program = findProgram('chromium');
if (!program) throw new Error('Chromium is not installed: apt-get install chromium');
mkdirSync(FOLDER, { recursive: true });
// As WhatsApp's servers begin.
const backend = await startBackend((socket) =>
  socket.once('data', () => socket.write(Buffer.concat([Buffer.of(0, 0, 34, 0x1a, 32), random(32)]))),
);
const vars = { RELAY_KEY: toBase64url(random(32)), BACKENDS: `whatsapp://${backend.address}` };
const relay = await serve(bundle('wrangler.toml'), vars, await makeChain());
const middlebox = await startMiddlebox(relay.tlsPort);
const browser = await chromium.launch({
  executablePath: program,
  args: [
    '--no-sandbox',
    '--ignore-certificate-errors',
    `--host-resolver-rules=MAP two-words.example.workers.dev:443 127.0.0.1:${middlebox.port}`,
  ],
});
try {
  for (const picture of PAGES) await take(await open(browser, picture), picture);
  const [green, failed] = [await open(browser, GREEN), await open(browser, FAILED)];
  await check(green);
  await take(green, GREEN);
  middlebox.faults = [freezeAfter({ bytes: 40_000 })];
  await check(failed);
  await take(failed, FAILED);
} finally {
  await browser.close();
  await middlebox.close();
  await relay.stop();
  await backend.close();
}
