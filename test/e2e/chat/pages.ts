/** Somebody who uses the example chat's page in a real browser: what they see and do, in their language. */
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { EN, type Words } from '../../../examples/chat/ui/words/en.ts';
import { until } from '../../support/until.ts';

/** Of the whole of it, in milliseconds: a check that fails takes longest. */
const PATIENCE = 20_000;

export class User {
  readonly page: Page;
  readonly words: Words;
  /** Hosts that the page has spoken to. */
  readonly hosts = new Set<string>();
  readonly errors: string[] = [];

  private constructor(page: Page, words: Words) {
    this.page = page;
    this.words = words;
    page.setDefaultTimeout(PATIENCE);
    page.on('request', (request) => this.hosts.add(new URL(request.url()).host));
    page.on('websocket', (socket) => this.hosts.add(new URL(socket.url()).host));
    page.on('pageerror', (error) => this.errors.push(error.message));
  }

  static async open(context: BrowserContext, url: string, words: Words = EN): Promise<User> {
    const user = new User(await context.newPage(), words);
    await user.page.goto(url);
    return user;
  }

  /** Opens the app anew, with this in the browser's storage. */
  async reload(kept: Record<string, unknown> = {}): Promise<void> {
    await this.page.evaluate((kept) => {
      for (const [name, value] of Object.entries(kept)) localStorage[`puente-chat ${name}`] = JSON.stringify(value);
    }, kept);
    await this.page.reload();
  }

  kept(name: string): Promise<string> {
    return this.page.evaluate((name) => localStorage[`puente-chat ${name}`], name);
  }

  /** Goes to a page of the app, such as `/settings`; resolves when that is drawn. */
  async go(path: string): Promise<void> {
    await this.page.evaluate(async (path) => {
      if (location.hash === `#${path}`) return;
      const changed = new Promise((resolve) => addEventListener('hashchange', resolve, { once: true }));
      location.hash = path;
      await changed;
      await new Promise((resolve) => setTimeout(resolve));
    }, path);
  }

  async sees(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).filter({ visible: true }).first().waitFor();
  }

  /** Of a field. */
  async holds(selector: string, value: string): Promise<void> {
    await until(`${selector} holds ${value}`, async () => (await this.page.inputValue(selector)) === value, PATIENCE);
  }

  /** The connection as the header has it; it may be so for two seconds only. */
  async isState(state: keyof Words['states']): Promise<void> {
    await this.page.locator(`.connection.is-${state}`).filter({ visible: true }).first().waitFor();
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true }).filter({ visible: true });
  }

  get code(): Promise<string> {
    return this.page.evaluate(() => JSON.parse(localStorage.getItem('puente-chat identity') ?? '').code);
  }

  // --- Settings → Storage and data → Proxy ---------------------------------------------------------------------------

  get address(): Locator {
    return this.page.getByLabel(this.words.address, { exact: true });
  }

  get outcome(): Locator {
    return this.page.locator('.check .outcome:not(:has(.spinner))');
  }

  async saveAddress(address: string): Promise<void> {
    await this.address.fill(address);
    await this.button(this.words.save).click();
  }

  async isConnected(): Promise<void> {
    await this.outcome.filter({ hasText: new RegExp(this.words.connectedIn('[1-9۱-۹][\\d۰-۹,٬]*')) }).waitFor();
  }

  /** @returns all that the page says about it */
  async hasFailed(): Promise<string> {
    await this.outcome.getByText(this.words.fails).waitFor();
    return this.page.locator('.check').innerText();
  }

  // --- conversations --------------------------------------------------------------------------------------------------

  async openConversation(name: string): Promise<void> {
    await this.go('/');
    await this.page.getByRole('link', { name }).click();
    await this.page.getByLabel(this.words.write).waitFor();
  }

  async say(text: string): Promise<void> {
    const line = this.page.getByLabel(this.words.write);
    await line.fill(text);
    // Pressed there: a page that has just been shown moves the focus to its heading.
    await line.press('Enter');
  }

  bubble(text: string): Locator {
    return this.page.locator('.bubble').filter({ hasText: text });
  }

  async isAt(text: string, progress: keyof Words['progress']): Promise<void> {
    await this.bubble(text).getByRole('img', { name: this.words.progress[progress] }).waitFor();
  }

  /** What stands in the conversation, top to bottom. */
  texts(): Promise<string[]> {
    return this.page.locator('.bubble > .text').allInnerTexts();
  }
}
