/** The example chat as people use it: real Chromium, two people, a network that blocks the server and cuts connections. */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import encodeQr from 'qr';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Pages, startPages } from '../../../examples/chat/server/pages.ts';
import { type Server, startServer } from '../../../examples/chat/server/server.ts';
import type { Entry } from '../../../examples/chat/ui/history.ts';
import { EN } from '../../../examples/chat/ui/words/en.ts';
import { FA } from '../../../examples/chat/ui/words/fa.ts';
import { formatLink, parseLink } from '../../../protocol/permits/link.ts';
import { type Middlebox, startMiddlebox } from '../../lab/middlebox.ts';
import { freePort } from '../../support/network/port.ts';
import { findProgram } from '../../support/program.ts';
import { type LocalRelay, startRelay } from '../../support/servers/harness-relay.ts';
import { User } from './pages.ts';

const program = findProgram('chromium');
// Left out on a developer's machine, never in CI.
const skipped = !program && !process.env.CI;
if (skipped) console.log('SKIPPED: the example chat in Chromium. To run it: apt-get install chromium');

/** `SCREENSHOTS=1 npx vitest run --project apps test/e2e/chat/page.test.ts` makes those of the docs again. */
const IMAGES = process.env.SCREENSHOTS ? fileURLToPath(new URL('../../../docs/images/', import.meta.url)) : undefined;

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** KiB of the page before anybody has touched it, minified and compressed; QR codes are loaded when they are used. */
const PAGE_MAX = 58;

const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 780 },
  permissions: ['clipboard-read', 'clipboard-write'],
};

const ALL_PAGES = [
  '/',
  '/add',
  '/settings',
  '/settings/code',
  '/settings/language',
  '/settings/storage',
  '/settings/storage/proxy',
];
const PROXY = '/settings/storage/proxy';

let server: Server;
let relay: LocalRelay;
let pages: Pages;
let browser: Browser;
/** Before the server's WebSocket port: blocked; and before the relay. */
let pageToServer: Middlebox;
let pageToRelay: Middlebox;
let link: string;
/** Ana has a light telephone in English; Babak a dark one in Persian, and no mouse. */
let ana: User;
let babak: User;

const portOf = (url: string): number => Number(new URL(url).port);

describe.skipIf(skipped)('the example chat in Chromium', () => {
  beforeAll(async () => {
    if (!program) throw new Error('Chromium is not installed: apt-get install chromium');
    server = await startServer();
    pageToServer = await startMiddlebox(portOf(server.address.webSocket));
    pageToServer.block();
    const webSocket = `ws://127.0.0.1:${pageToServer.port}`;
    [relay, pages, browser] = await Promise.all([
      startRelay({ BACKENDS: `whatsapp://${server.address.backend}` }),
      startPages({ ...server.address, webSocket }),
      chromium.launch({ executablePath: program, args: ['--no-sandbox'] }),
    ]);
    pageToRelay = await startMiddlebox(portOf(relay.origin));
    link = formatLink({ ...parseLink(relay.link), url: `http://127.0.0.1:${pageToRelay.port}/` });
    ana = await User.open(await browser.newContext({ ...PHONE, locale: 'en-GB' }), pages.url);
    const dark = { ...PHONE, locale: 'fa-IR', colorScheme: 'dark' } as const;
    babak = await User.open(await browser.newContext(dark), pages.url, FA);
  });

  afterAll(async () => {
    await browser?.close();
    await pages?.close();
    await relay?.close();
    for (const box of [pageToServer, pageToRelay]) await box?.close();
    await server?.close();
  });

  async function screenshot(page: Page, name: string): Promise<void> {
    if (!IMAGES) return;
    mkdirSync(IMAGES, { recursive: true });
    await page.screenshot({ path: `${IMAGES}chat-${name}.png`, animations: 'disabled', caret: 'hide' });
  }

  // --- blocked → proxy → conversation → cut → wrong address → next address -------------------------------------------

  it('says that the server is blocked, and leads to the setting, which a pasted link fills', async () => {
    await ana.sees(ana.words.seemsBlocked);
    await ana.page.getByRole('link', { name: ana.words.useAProxy }).click();
    await ana.page.evaluate((text) => navigator.clipboard.writeText(text), link);
    await ana.button(ana.words.paste).click();
    await ana.button(ana.words.save).click();
    await ana.isConnected();
    await ana.page.getByRole('switch', { name: ana.words.useProxy, checked: true }).waitFor();
    await screenshot(ana.page, 'proxy');
    await ana.go('/');
    await ana.isState('online');
    await ana.sees(ana.words.throughProxy);
  });

  it('is set up by keyboard alone, with a bare address, whose key is kept', async () => {
    const { page, words } = babak;
    await babak.sees(words.seemsBlocked);
    const tabTo = async (selector: string): Promise<void> => {
      for (let presses = 0; presses < 20; presses += 1) {
        await page.keyboard.press('Tab');
        if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
      }
      throw new Error(`Tab does not lead to ${selector}`);
    };
    await tabTo(`[href="#${PROXY}"]`);
    await page.keyboard.press('Enter');
    await tabTo('[role="switch"]');
    await page.keyboard.press('Space');
    await tabTo('#address');
    await page.keyboard.type(new URL(link).origin);
    await tabTo('[type="submit"]');
    await page.keyboard.press('Enter');
    await babak.isConnected();
    await babak.sees(words.keyKept);
    expect(await babak.address.inputValue()).toBe(link);
    // Nobody is sent back to the top of the page by what happens in it.
    expect(await page.evaluate(() => document.activeElement?.matches('[type="submit"]'))).toBe(true);
    expect(await page.evaluate(() => document.documentElement.dir)).toBe('rtl');
    await screenshot(page, 'persian');
  });

  it('carries a conversation with somebody whose code was an image', async () => {
    await babak.go('/settings/code');
    const image = await babak.page.getByRole('img', { name: babak.words.qrOf }).screenshot();
    await ana.go('/add');
    await ana.page.setInputFiles('[type="file"]', { name: 'code.png', mimeType: 'image/png', buffer: image });
    await ana.holds('#code', await babak.code);
    await ana.page.getByLabel(ana.words.name).fill('Babak');
    await ana.button(ana.words.add).click();
    await ana.say('Salam Babak! Can you read me?');
    // He has not added her.
    await babak.openConversation(babak.words.unknown((await ana.code).slice(0, 6)));
    await babak.page.getByRole('link', { name: babak.words.rename }).click();
    await babak.page.getByLabel(babak.words.name).fill('آنا');
    await babak.button(babak.words.save).click();
    await babak.say('سلام آنا! بله، از راه پروکسی وصل شدم.');
    await ana.say('So did I. The network here has blocked the server since this morning.');
    await babak.isAt('سلام', 'delivered');
    await ana.isAt('So did I', 'delivered');
    expect(await babak.texts()).toEqual(await ana.texts());
  });

  it('delivers what is said while the connection is cut, once', async () => {
    pageToRelay.block();
    pageToRelay.cutAll('rst');
    await ana.isState('reconnecting');
    await ana.say('Are you still there?');
    await ana.say('It says that it is reconnecting.');
    await ana.isAt('still there', 'waiting');
    await babak.say('هستم');
    pageToRelay.unblock();
    await ana.isState('resumed');
    for (const text of ['still there', 'reconnecting']) await ana.isAt(text, 'delivered');
    await babak.isAt('هستم', 'delivered');
    const texts = await ana.texts();
    expect(texts).toHaveLength(6);
    expect(new Set(await babak.texts())).toEqual(new Set(texts));
    expect(await babak.texts()).toHaveLength(6);
    await ana.isState('online');
    await screenshot(ana.page, 'conversation');
  });

  it('names the cause when the address is wrong, keeps it, and offers the next one', async () => {
    const wrong = `http://127.0.0.1:${await freePort()}`;
    await ana.go(PROXY);
    await ana.saveAddress(wrong);
    const said = await ana.hasFailed();
    expect(said).toContain('The relay could not be reached.');
    expect(said).toContain('unreachable');
    expect(said).toContain('try another address');
    expect(said).toContain(ana.words.keptAnyway);
    await screenshot(ana.page, 'cause');
    await ana.openConversation('Babak');
    await ana.isState('offline');
    await ana.say('Wrong address, one moment.');
    await ana.go(PROXY);
    await ana.button(ana.words.tryNext(new URL(link).host)).click();
    await ana.isConnected();
    await ana.openConversation('Babak');
    await ana.isAt('one moment', 'delivered');
    expect((await babak.texts()).filter((text) => text.includes('one moment'))).toHaveLength(1);
  });

  // --- what else a person may do --------------------------------------------------------------------------------------

  it('says in Persian what is wrong, and what is no address is not kept', async () => {
    const { words } = babak;
    await babak.go(PROXY);
    await babak.saveAddress('https://relay.example.org/?path');
    const said = await babak.hasFailed();
    expect(said).toContain(words.causes['link-invalid']?.message);
    expect(said).toContain(words.causes['link-invalid']?.next);
    await babak.saveAddress(formatLink({ ...parseLink(link), key: new Uint8Array(32).fill(9) }));
    expect(await babak.hasFailed()).toContain(words.causes['wrong-key']?.message);
    expect(await babak.page.locator('.saved').count()).toBe(2);
    await babak.page.locator('.saved .plain').first().click();
    await babak.isConnected();
  });

  it('speaks the language that was chosen, from then on', async () => {
    const { page, words } = babak;
    const direction = () => page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]);
    await babak.go('/settings');
    await page.getByRole('link', { name: words.languages }).click();
    await page.getByRole('radio', { name: EN.language }).check();
    await babak.sees(EN.languages);
    expect(await direction()).toEqual(['en', 'ltr']);
    await page.reload();
    await page.getByRole('radio', { name: FA.language }).check();
    await babak.sees(FA.languages);
    expect(await direction()).toEqual(['fa', 'rtl']);
  });

  it('shows after a reload what it showed before, sends what waited, and checks the proxy anew', async () => {
    const before = await ana.texts();
    pageToRelay.block();
    pageToRelay.cutAll('rst');
    await ana.isState('reconnecting');
    await ana.say('Lost with the page?');
    const code = await ana.code;
    await ana.reload();
    await ana.isAt('Lost with', 'waiting');
    expect(await ana.texts()).toEqual([...before, 'Lost with the page?']);
    expect(await ana.code).toBe(code);
    pageToRelay.unblock();
    await ana.isAt('Lost with', 'delivered');
    expect(await ana.kept('proxy')).not.toContain('ok');
    await ana.go(PROXY);
    await ana.isConnected();
    expect(await ana.address.inputValue()).toBe(link);
  });

  it('sends what the server may have once more, as the same message', async () => {
    await ana.openConversation('Babak');
    const entries: Entry[] = JSON.parse(await ana.kept('history'));
    // The page was closed before it heard.
    const history = entries.map((entry, index) =>
      index === entries.length - 1 ? { ...entry, progress: 'waiting' } : entry,
    );
    await ana.reload({ history });
    await ana.isAt('Lost with', 'delivered');
    await babak.openConversation('آنا');
    await ana.say('Once?');
    await babak.bubble('Once?').waitFor();
    expect((await babak.texts()).filter((text) => text.includes('Lost with'))).toHaveLength(1);
  });

  it('goes without the proxy when it is turned off', async () => {
    const proxy = ana.page.getByRole('switch', { name: ana.words.useProxy });
    await ana.go(PROXY);
    await proxy.click();
    await ana.go('/');
    await ana.sees(ana.words.seemsBlocked);
    // Whoever has no network is not told that it blocks.
    await ana.page.context().setOffline(true);
    await ana.sees(ana.words.isOffline);
    await ana.page.context().setOffline(false);
    await ana.go(PROXY);
    await proxy.click();
    await ana.isConnected();
  });

  it('takes a link from an image, several from the clipboard, and forgets addresses', async () => {
    const { page, words } = ana;
    // The one in use goes last but one; the one after it is used in its place.
    await ana.saveAddress(link);
    await ana.isConnected();
    expect(await page.locator('.saved').count()).toBe(2);
    await ana.button(words.remove(new URL(link).host)).click();
    await ana.hasFailed();
    await page.locator('.saved .round').click();
    await ana.holds('#address', '');
    await page.getByRole('switch', { name: words.useProxy }).click();
    await ana.sees(words.noAddress);
    await ana.saveAddress('https://relay.example.org/?path');
    await ana.hasFailed();
    await ana.address.fill('r');
    expect(await page.locator('.check').count()).toBe(0);
    const image = Buffer.from(encodeQr(link, 'gif', { scale: 4 }));
    const file = { name: 'link.gif', mimeType: 'image/gif', buffer: image };
    await page.setInputFiles('[type="file"]', file);
    await ana.holds('#address', link);
    await page.setInputFiles('[type="file"]', { ...file, buffer: Buffer.from('no image') });
    await ana.sees(words.noQr);

    const list = `http://127.0.0.1:${await freePort()}\n${link}`;
    await page.evaluate((text) => navigator.clipboard.writeText(text), list);
    await ana.address.focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Control+V');
    await page.keyboard.press('Enter');
    await ana.hasFailed();
    await ana.button(words.tryNext(new URL(link).host)).click();
    await ana.isConnected();
  });

  it('is in one window at a time', async () => {
    const second = await User.open(ana.page.context(), pages.url);
    await second.sees(second.words.isElsewhere);
    await second.button(second.words.useHere).click();
    await second.isState('online');
    await ana.sees(ana.words.isElsewhere);
    await ana.button(ana.words.useHere).click();
    await ana.go('/');
    await ana.isState('online');
    await second.page.close();
  });

  it('keeps no more than there is room for, and those with a name rather than strangers', async () => {
    const user = await User.open(await browser.newContext(PHONE), pages.url);
    const { page, words } = user;
    const codes = Array.from({ length: 300 }, (_, number) => `${String(number).padEnd(42, '-')}A`);
    const [friend, stranger] = [codes[0], codes[199]];
    const contacts = codes.map((code) => ({ code, name: code === stranger ? '' : 'somebody', unread: 0 }));
    const flood = Array.from({ length: 1100 }, (_, id) => ({
      id: `${id}`,
      contact: stranger,
      text: 'word '.repeat(300),
      at: id,
    }));
    const history = [{ id: 'first', contact: friend, text: 'not forgotten', at: 0 }, ...flood];
    await user.reload({ contacts, history });
    await user.go(`/with/${stranger}`);
    await user.say('the newest');
    await user.isAt('the newest', 'waiting');
    expect(await user.texts()).toHaveLength(100);
    await user.button(words.earlier).click();
    expect(await user.texts()).toHaveLength(200);
    const kept = await user.kept('history');
    expect(kept.length).toBeLessThan(1_300_000);
    expect(kept.length).toBeGreaterThan(1_200_000);
    expect(kept).toContain('the newest');
    expect(kept).toContain('not forgotten');

    const add = async (code: string, name: string): Promise<void> => {
      await user.go('/add');
      await page.getByLabel(words.contactCode).fill(code);
      await page.getByLabel(words.name).fill(name);
      await user.button(words.add).click();
    };
    // A point of small order: whatever is sealed for it, anybody can open.
    await add('A'.repeat(43), 'Nobody');
    await user.sees(words.notACode);
    await add(await ana.code, 'Ana');
    await page.getByLabel(words.write).waitFor();
    // Added once more, without a name.
    await add(await ana.code, '');
    await page.getByRole('heading', { name: 'Ana', exact: true }).waitFor();
    expect(await user.kept('history')).not.toContain('word');
    await add(await babak.code, 'Babak');
    await user.sees(words.tooMany);

    await user.go(PROXY);
    const list = Array.from({ length: 12 }, (_, number) => `https://relay-${number}.example.org`).join('\n');
    await page.evaluate((text) => navigator.clipboard.writeText(text), list);
    await user.button(words.paste).click();
    await user.sees('relay-8.example.org');
    expect(await page.locator('.saved').count()).toBe(8);

    // Those who are not heard are not told that they are.
    await user.reload({ proxy: { isOn: true, address: link, saved: [{ address: link }] } });
    await user.isConnected();
    for (const writer of [babak, ana]) {
      await writer.go('/add');
      await writer.page.getByLabel(writer.words.contactCode).fill(await user.code);
      await writer.button(writer.words.add).click();
      await writer.say('Do you hear me?');
      await writer.isAt('Do you hear me?', writer === ana ? 'delivered' : 'sent');
    }
    await babak.isAt('Do you hear me?', 'sent');
    for (const writer of [babak, ana]) {
      const code = await user.code;
      await writer.go(`/name/${code}`);
      writer.page.once('dialog', (dialog) => dialog.accept());
      await writer.button(writer.words.removeContact).click();
      await writer.page.locator(`.list-pane [href="#/with/${code}"]`).waitFor({ state: 'detached' });
      expect(await writer.kept('history')).not.toContain('Do you hear me?');
    }
    expect(user.errors).toEqual([]);
    await page.context().close();
  });

  it('lives with what was spoilt in the browser, and does not write over an identity', async () => {
    const user = await User.open(await browser.newContext(PHONE), pages.url);
    const { page, words } = user;
    const code = await babak.code;
    await user.reload({
      contacts: [null, {}, { code: 'x', name: '', unread: 0 }, { code, name: 'Babak', unread: 'many' }],
      history: [null, 7, { id: 'a' }, { id: 'b', contact: code, text: 'from the end of time', at: 1e300 }],
      proxy: { isOn: 'yes', address: 5, saved: {} },
      language: { toString: 1 },
    });
    await user.go(`/with/${code}`);
    await user.bubble('from the end of time').waitFor();
    await user.reload({
      proxy: { isOn: true, address: '//', saved: [null, { address: '//' }] },
      contacts: {},
      history: 'x',
    });
    await user.go('/');
    await user.sees(words.noContacts);
    for (const identity of [{}, null, { secret: code, code }]) {
      await user.reload({ identity });
      await user.sees(words.noIdentity);
      expect(await user.kept('identity')).toBe(JSON.stringify(identity));
    }
    expect(user.errors).toEqual([]);
    await page.context().close();
  });

  it('keeps the key of a bare address as soon as there is one, and says when a part cannot be loaded', async () => {
    const user = await User.open(await browser.newContext(PHONE), pages.url);
    const { page, words } = user;
    const address = new URL(link).origin;
    await user.go(PROXY);
    await user.reload({ proxy: { isOn: true, address, saved: [{ address }] } });
    await user.isConnected();
    await user.holds('#address', link);
    // The same again, typed another way, is shown as what it became; and nobody was asked for a key.
    await user.saveAddress(address);
    await user.holds('#address', link);
    await user.isConnected();
    expect(await page.getByText(words.keyKept).count()).toBe(0);

    await page.route('**/assets/*.js', (route) => route.abort());
    await page.setInputFiles('[type="file"]', { name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('') });
    await user.sees(words.noQrReader);
    await user.go('/settings/code');
    await user.sees(await user.code);
    expect(user.errors).toEqual([]);
    await page.context().close();
  });

  // --- for everybody --------------------------------------------------------------------------------------------------

  /** Pages with something in them, and one's own conversation. */
  async function everyPage(user: User, look: (path: string) => Promise<void>): Promise<void> {
    const other = await (user === ana ? babak : ana).code;
    for (const path of [...ALL_PAGES, `/with/${other}`, `/name/${other}`]) {
      await user.go(path);
      await look(path);
    }
  }

  it.each([
    ['English, in light colours', () => ana],
    ['Persian, in dark ones', () => babak],
  ])('has nothing that axe-core finds, in %s', async (_, who) => {
    const user = who();
    await user.page.addScriptTag({ path: AXE });
    await everyPage(user, async (path) => {
      const found = await user.page.evaluate(async () => {
        const { violations } = await (window as unknown as { axe: typeof axe }).axe.run();
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      });
      expect(found, path).toEqual([]);
    });
  });

  it('fits a screen of 320 pixels, and a wide one', async () => {
    for (const user of [ana, babak])
      for (const width of [320, 1200]) {
        await user.page.setViewportSize({ width, height: 640 });
        await everyPage(user, async (path) => {
          const wide = await user.page.evaluate(() => {
            const scrolling = [document.documentElement, ...document.querySelectorAll('.pane, .pane > *')];
            return scrolling
              .filter((element) => element.scrollWidth > element.clientWidth)
              .map(({ outerHTML }) => outerHTML);
          });
          expect(wide, `${path} at ${width}`).toEqual([]);
        });
      }
  });

  it('speaks to nobody but its server and its relay, and throws nothing', () => {
    for (const user of [ana, babak]) {
      expect([...user.hosts].filter((host) => !host.startsWith('127.0.0.1:'))).toEqual([]);
      expect(user.hosts).toContain(new URL(link).host);
      expect(user.errors).toEqual([]);
    }
  });

  it(`weighs less than ${PAGE_MAX} KiB`, async () => {
    const html = await (await fetch(pages.url)).text();
    const files = Array.from(html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g), ([, path]) => path);
    const bodies = await Promise.all(files.map(async (path) => (await fetch(new URL(path ?? '', pages.url))).bytes()));
    const size = [Buffer.from(html), ...bodies].reduce((sum, body) => sum + gzipSync(body).length, 0) / 1024;
    expect(files.length).toBeGreaterThan(1);
    expect(size).toBeLessThan(PAGE_MAX);
    expect(size).toBeGreaterThan(PAGE_MAX - 6);
  });
});
