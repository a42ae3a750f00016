/** The examples that are there to be copied; `demo.test.ts` has those that are there to be run. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { build, type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Command, ROOT } from '../support/command.ts';
import { findProgram } from '../support/program.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { type ChatServer, startChatServer } from '../support/servers/chat-server.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';

let server: ChatServer;
let backend: Backend;
let relay: Relay;
const folder = mkdtempSync(join(tmpdir(), 'puente-'));

beforeAll(async () => {
  server = await startChatServer();
  backend = await startBackend(echo);
  relay = await startRelay({ BACKENDS: `localhost:${server.port} ${backend.entry}` });
});

afterAll(async () => {
  await relay?.close();
  await backend?.close();
  await server?.close();
  rmSync(folder, { recursive: true });
});

describe('node-tls.ts', () => {
  async function run(...args: string[]) {
    const ca = join(folder, 'ca.pem');
    writeFileSync(ca, server.ca);
    const command = new Command('env', [`NODE_EXTRA_CA_CERTS=${ca}`, 'npx', 'node', 'examples/node-tls.ts', ...args]);
    return { status: await command.end(), stdout: command.stdout, stderr: command.stderr };
  }

  it('says who answers', async () => {
    const { status, stdout, stderr } = await run(relay.link, `localhost:${server.port}`);
    expect(status, stderr).toBe(0);
    expect(stdout).toBe(`✓ localhost:${server.port} speaks TLSv1.3, with a certificate for localhost\n`);
  });

  it('ends with why it could not', async () => {
    const { status, stderr } = await run(relay.link, 'localhost:9');
    expect(status).toBe(1);
    expect(stderr).toContain("code: 'backend-not-allowed'");
  });
});

const program = findProgram('chromium');
// Left out on a developer's machine, never in CI.
const skipped = !program && !process.env.CI;
if (skipped) console.log('SKIPPED: the page in a browser. To run it: apt-get install chromium');

describe.skipIf(skipped)('browser/, built by Vite, in Chromium', () => {
  let pages: PreviewServer;
  let browser: Browser;

  beforeAll(async () => {
    if (!program) throw new Error('Chromium is not installed: apt-get install chromium');
    const root = join(ROOT, 'examples/browser');
    const config = {
      root,
      configFile: false,
      logLevel: 'warn',
      build: { outDir: join(folder, 'page'), emptyOutDir: true },
    } as const;
    await build(config);
    pages = await preview({ ...config, preview: { host: '127.0.0.1', port: 0 } });
    browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
  });

  afterAll(async () => {
    await browser?.close();
    await pages?.close();
  });

  async function ask(address: string, text: string): Promise<string> {
    const page = await browser.newPage();
    await page.goto(pages.resolvedUrls?.local[0] ?? '');
    await page.fill('[name=relay]', relay.link);
    await page.fill('[name=backend]', address);
    await page.fill('[name=text]', text);
    await page.click('button');
    const output = page.locator('output:not(:empty)');
    return (await output.textContent()) ?? '';
  }

  it('shows what the backend answers', async () => {
    expect(await ask(backend.address, '¿Me lees? سلام 🌉')).toBe('¿Me lees? سلام 🌉');
  });

  it('shows in a sentence what went wrong', async () => {
    expect(await ask('localhost:9', 'hello')).toBe(
      'PuenteError: The relay does not carry connections to this backend.',
    );
  });
});
