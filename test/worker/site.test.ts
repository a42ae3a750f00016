/** What the Worker says to browsers and volunteers. */
import { createExecutionContext, SELF } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { type Bytes, fromBase64url, toBase64url } from '../../protocol/bytes.ts';
import { native } from '../../protocol/carrier/cipher.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import type { Env } from '../../worker/env.ts';
import worker from '../../worker/index.ts';

const ORIGIN = 'https://relay.example/';
const KEY = `${'puente'.repeat(7)}A`;
const PUBLIC_KEY = await native.publicKey(fromBase64url(KEY) as Bytes);
const linkAt = (url: string): string => formatLink({ url, key: PUBLIC_KEY });
/** 00 01 02 … 1f: `s` in docs/protocol.md, appendix D. */
const WORKED_EXAMPLE = toBase64url(Uint8Array.from({ length: 32 }, (_, index) => index));

async function get(path: string, env: Env): Promise<Response> {
  return worker.fetch(new Request(ORIGIN + path), env, createExecutionContext());
}

describe('an open relay', () => {
  it('publishes its key for bare addresses, to any origin', async () => {
    const response = await SELF.fetch(`${ORIGIN}.well-known/puente`);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(await response.json()).toEqual({ version: 1, key: toBase64url(PUBLIC_KEY) });
  });

  it('shows its link, made of the address under which it was called', async () => {
    const response = await SELF.fetch(ORIGIN);
    expect(response.headers.get('Content-Type')).toMatch('text/html');
    expect(await response.text()).toContain(linkAt(ORIGIN));
  });

  it('shows a link by https: even to a visitor who came without, but on loopback', async () => {
    expect(await (await SELF.fetch('http://relay.example/')).text()).toContain(linkAt(ORIGIN));
    expect(await (await SELF.fetch('http://127.0.0.1:8787/')).text()).toContain(linkAt('http://127.0.0.1:8787/'));
  });

  it('answers 404 to everything else', async () => {
    expect((await SELF.fetch(`${ORIGIN}admin`)).status).toBe(404);
    expect((await SELF.fetch(ORIGIN, { method: 'POST' })).status).toBe(404);
  });
});

describe('an open relay that a route leads to from a path', () => {
  const PLACE = `${ORIGIN}a/Path-2/`;

  it('has its page there, with a link that leads there, and nothing that leads out of it', async () => {
    const page = await (await SELF.fetch(`${PLACE}?lang=fa`)).text();
    expect(page).toMatch('<html lang="fa"');
    expect(page).toContain(linkAt(PLACE));
    expect(page).not.toContain(linkAt(ORIGIN));
    const addresses = Array.from(page.matchAll(/\s(?:src|href)="([^"]*)"/g), ([, address = '']) => address);
    const own = addresses.filter((address) => address !== 'data:,').map((address) => new URL(address, PLACE).href);
    expect(own.filter((address) => !address.startsWith(PLACE))).toEqual([]);
    for (const address of own) expect((await SELF.fetch(address)).status, address).toBe(200);
  });

  it('publishes its key there', async () => {
    const response = await SELF.fetch(`${PLACE}.well-known/puente`);
    expect(await response.json()).toEqual({ version: 1, key: toBase64url(PUBLIC_KEY) });
  });

  it('says there what is wrong with its settings', async () => {
    const [page, key] = [await get('a/Path-2/', {}), await get('a/Path-2/.well-known/puente', {})];
    expect([page.status, await page.text()]).toEqual([503, expect.stringContaining('RELAY_KEY is not set')]);
    expect(key.status).toBe(404);
  });

  it('answers 404 to everything else', async () => {
    for (const path of ['a', 'a/Path-2', 'a/admin', 'a/.well-known', 'a/.well-known/puente/more'])
      expect((await SELF.fetch(ORIGIN + path)).status, path).toBe(404);
  });
});

describe('a relay that is not set up', () => {
  const secret = 'c2VjcmV0LXRoYXQtaXMtdG9vLXNob3J0';

  it.each<[string, Env, RegExp]>([
    ['has no key', {}, /RELAY_KEY is not set.*npm run key.*npx wrangler secret put RELAY_KEY/s],
    ['has an empty key', { RELAY_KEY: '' }, /RELAY_KEY is not set/],
    ['has a short key', { RELAY_KEY: secret }, /RELAY_KEY is not 32 bytes in base64url \(it has 32 characters, not 43/],
    ['has a key of other letters', { RELAY_KEY: `${'A'.repeat(42)}=` }, /RELAY_KEY is not 32 bytes/],
    ['has a key that is all zeros', { RELAY_KEY: 'A'.repeat(43) }, /RELAY_KEY is the key of an example.*npm run key/s],
    ['has the key of the specification', { RELAY_KEY: WORKED_EXAMPLE }, /RELAY_KEY is the key of an example/],
    ['has an old key from there', { RELAY_KEY: KEY, OLD_RELAY_KEY: WORKED_EXAMPLE }, /OLD_RELAY_KEY is the key of an/],
    ['names no backend', { RELAY_KEY: KEY, BACKENDS: '' }, /BACKENDS is empty.*BACKENDS = &quot;whatsapp&quot;/s],
    ['names a bad backend', { RELAY_KEY: KEY, BACKENDS: '<b>' }, /BACKENDS has &quot;&lt;b&gt;&quot;/],
    ['names no invite', { RELAY_KEY: KEY, REVOKED: 'Ana' }, /REVOKED has &quot;Ana&quot;.*npm run invite/s],
    [
      'has an old key without a day',
      { RELAY_KEY: KEY, OLD_RELAY_KEY: KEY },
      /OLD_KEY_UNTIL is &quot;&quot;, not a day/,
    ],
    ['has a day that is none', { RELAY_KEY: KEY, OLD_RELAY_KEY: KEY, OLD_KEY_UNTIL: '2026-13-01' }, /OLD_KEY_UNTIL is/],
    ['has a day without an old key', { RELAY_KEY: KEY, OLD_KEY_UNTIL: '2026-12-31' }, /OLD_RELAY_KEY is not set/],
  ])('because it %s says what to do, and nothing else', async (_, env, says) => {
    const response = await get('', env);
    expect(response.status).toBe(503);
    const page = await response.text();
    expect(page).toMatch(says);
    expect(page).not.toContain(secret);
    expect((await get('.well-known/puente', env)).status).toBe(404);
  });

  it('for another reason than its key is not told to make a new one', async () => {
    const page = await (await get('', { RELAY_KEY: KEY, BACKENDS: 'signal' })).text();
    expect(page).toContain('npx wrangler deploy');
    expect(page).not.toContain('npm run key');
  });

  it.each([
    ['HUBS', ['many', '-1', '33', '1.5', '']],
    ['RESUME_SECONDS', ['9', '901', 'soon', '']],
  ])('names %s, its problem and a correct value', async (name, values) => {
    for (const value of values) {
      const page = await (await get('', { RELAY_KEY: KEY, [name]: value })).text();
      expect(page).toContain(`${name} is &quot;${value}&quot;, not a whole number from`);
      expect(page).toContain(`${name} = &quot;1`);
    }
    for (const value of name === 'HUBS' ? ['0', '32'] : ['10', '900'])
      expect((await get('', { RELAY_KEY: KEY, [name]: value })).status).toBe(200);
  });

  it('names COUNTERS, its problem and a correct value', async () => {
    for (const value of ['yes', 'OFF', '']) {
      const page = await (await get('', { RELAY_KEY: KEY, COUNTERS: value })).text();
      expect(page).toContain(
        `COUNTERS is &quot;${value}&quot;. A correct value: COUNTERS = &quot;on&quot; or COUNTERS = &quot;off&quot;`,
      );
    }
    for (const value of ['on', 'off']) expect((await get('', { RELAY_KEY: KEY, COUNTERS: value })).status).toBe(200);
  });

  it('names HUB_REGION, its problem and the regions that there are', async () => {
    const page = await (await get('', { RELAY_KEY: KEY, HUB_REGION: 'mars' })).text();
    expect(page).toMatch(/HUB_REGION is &quot;mars&quot;, none of wnam, .* me\. .*HUB_REGION = &quot;me&quot;/);
    for (const value of ['', 'me', 'weur'])
      expect((await get('', { RELAY_KEY: KEY, HUB_REGION: value })).status).toBe(200);
  });

  it('takes WhatsApp for its backends when none are named', async () => {
    expect((await get('', { RELAY_KEY: KEY })).status).toBe(200);
  });
});
