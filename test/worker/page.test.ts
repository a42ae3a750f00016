/** What stands on an open relay's page, and what a browser may do with it. */
import { createExecutionContext, SELF } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { type CheckPage, PAGE_CODES } from '../../protocol/check-page.ts';
import type { PublicCounts } from '../../worker/counters/counters.ts';
import type { Env } from '../../worker/env.ts';
import worker from '../../worker/index.ts';
import { CountsSection } from '../../worker/strangers/pages/counts-section.tsx';
import { LANGUAGES, type Language } from '../../worker/strangers/pages/language.ts';

const ORIGIN = 'https://relay.example/';
const KEY = `${'puente'.repeat(7)}A`;

async function pageOf(env: Env, path = ''): Promise<string> {
  return (await worker.fetch(new Request(ORIGIN + path), { RELAY_KEY: KEY, ...env }, createExecutionContext())).text();
}

const checkOf = (page: string): CheckPage =>
  JSON.parse(/<script type="application\/json" id="check-page">(.*?)<\/script>/s.exec(page)?.[1] ?? '') as CheckPage;

const stagesOf = (page: string): string[] =>
  Array.from(page.matchAll(/data-stage="(\w+)"/g), ([, stage = '']) => stage);

describe('its language', () => {
  const languageOf = async (query: string, accepted: string) => {
    const page = await (await SELF.fetch(ORIGIN + query, { headers: { 'Accept-Language': accepted } })).text();
    return /<html lang="([^"]+)" dir="([^"]+)"/.exec(page)?.slice(1);
  };

  it.each([
    ['', '', 'en', 'ltr'],
    ['', 'fa', 'fa', 'rtl'],
    ['', 'ar-EG,ar;q=0.9,en;q=0.8', 'ar', 'rtl'],
    ['', 'de-DE, de;q=0.9, es-MX;q=0.8, en;q=0.7', 'es', 'ltr'],
    ['', 'en;q=0.5, ru;q=0.9', 'ru', 'ltr'],
    ['', 'zh-CN', 'zh-Hans', 'ltr'],
    ['', 'TR', 'tr', 'ltr'],
    ['', 'fa;q=0, es;q=0.1', 'es', 'ltr'],
    ['', 'fa;q=nonsense, es;q=0.1', 'fa', 'rtl'],
    ['', 'de, *', 'en', 'ltr'],
    ['?lang=fa', 'es', 'fa', 'rtl'],
    ['?lang=zh-Hans', 'es', 'zh-Hans', 'ltr'],
    ['?lang=nowhere', 'es', 'es', 'ltr'],
    ['?lang=%3Cb%3E', '', 'en', 'ltr'],
  ])('for "%s" and a browser that says "%s" is %s', async (query, accepted, tag, dir) => {
    expect(await languageOf(query, accepted)).toEqual([tag, dir]);
  });

  it('can be chosen without a script, and is told to caches', async () => {
    const response = await SELF.fetch(`${ORIGIN}?lang=fa`);
    expect(response.headers.get('Vary')).toBe('Accept-Language');
    const page = await response.text();
    const links = Array.from(page.matchAll(/<a href="\?lang=([^"]+)"([^>]*)>/g), ([, tag, rest = '']) => [
      tag,
      rest.includes('aria-current'),
    ]);
    expect(links).toEqual(LANGUAGES.map(({ tag }) => [tag, tag === 'fa']));
  });
});

describe('its policy', () => {
  const policyOf = ({ headers }: Response) => {
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.get('Referrer-Policy')).toBe('no-referrer');
    return Object.fromEntries(
      (headers.get('Content-Security-Policy') ?? '').split('; ').map((rule) => {
        const [name, ...sources] = rule.split(' ');
        return [name, sources.join(' ')];
      }),
    );
  };

  it('lets it load its own style and scripts, and speak to its own relay', async () => {
    const response = await SELF.fetch(ORIGIN);
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(await response.clone().text()) ?? [];
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style)));
    expect(policyOf(response)).toEqual({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': `'sha256-${btoa(String.fromCharCode(...hash))}'`,
      'connect-src': "'self' https://relay.example wss://relay.example",
      'img-src': 'data:',
      'frame-ancestors': "'none'",
      'base-uri': "'none'",
      'form-action': "'none'",
    });
  });

  it('is that of every answer, also of a relay that is not set up', async () => {
    const policies = [
      await SELF.fetch(`${ORIGIN}none`),
      await SELF.fetch(`${ORIGIN}.well-known/puente`),
      await worker.fetch(new Request(ORIGIN), {}, createExecutionContext()),
    ].map(policyOf);
    const own = policyOf(await SELF.fetch(ORIGIN));
    expect(policies).toEqual([own, own, own]);
  });

  it.each([
    "a;script-src,'unsafe-inline'/",
    "a';id;'.relay.example/",
    '*.relay.example/',
    "relay.example/a';id;'/",
    'relay.example/$(id)/',
    'relay.example/a%22/',
    'relay.example/a//',
  ])(
    'and the commands on the page cannot be added to by the name or the path that a relay is called by: %s',
    async (place) => {
      const request = new Request(`https://${place}`);
      const response = await worker.fetch(request, { RELAY_KEY: KEY }, createExecutionContext());
      expect([response.status, response.headers.get('Content-Security-Policy')]).toEqual([404, null]);
      expect(await response.text()).not.toContain(place);
    },
  );

  it('and nothing goes wrong with a name that no URL can have, which workerd passes on as it was sent', async () => {
    const complained = vi.spyOn(console, 'error');
    const request = Object.defineProperty(new Request(ORIGIN), 'url', { value: 'https://a b/' });
    const response = await worker.fetch(request, { RELAY_KEY: KEY }, createExecutionContext());
    expect(response.status).toBe(404);
    expect(complained).not.toHaveBeenCalled();
  });

  it('needs no exception: no element has a style or a handler of its own, and nothing comes from elsewhere', async () => {
    for (const { tag } of LANGUAGES) {
      const page = await pageOf({}, `?lang=${tag}`);
      expect(page).not.toMatch(/<[^>]+\s(style|on\w+)=/);
      const [addresses, own] = [page.match(/\s(src|href)="[^"]*"/g) ?? [], /="(\?|[\w-]+\.js"|data:,)/];
      expect(addresses.filter((address) => !own.test(address))).toEqual([]);
    }
  });
});

describe('its scripts', () => {
  it('are kept by browsers for ever under a name that says what is in them, with all that they load', async () => {
    const [, entry = ''] = /<script type="module" src="([^"]+)"/.exec(await pageOf({})) ?? [];
    const names = [entry];
    for (const name of names) {
      expect(name).toMatch(/^\w+-[A-Z\d]{8}\.js$/);
      const response = await SELF.fetch(ORIGIN + name);
      expect([response.status, response.headers.get('Content-Type'), response.headers.get('Cache-Control')]).toEqual([
        200,
        'text/javascript; charset=utf-8',
        'public, max-age=31536000, immutable',
      ]);
      const script = await response.text();
      names.push(...Array.from(script.matchAll(/import\("\.\/([^"]+)"\)/g), ([, loaded = '']) => loaded));
      expect(script).not.toMatch(/(?:from|import)"\.\//);
    }
    expect(names.map((name) => name.split('-')[0])).toEqual(['check', 'noble']);
  });

  it('are not those of a relay that is not set up', async () => {
    const [, entry = ''] = /src="([^"]+)"/.exec(await pageOf({})) ?? [];
    expect((await worker.fetch(new Request(ORIGIN + entry), {}, createExecutionContext())).status).toBe(404);
  });
});

describe('its check', () => {
  it.each([
    ['whatsapp', 'whatsapp://g.whatsapp.net:5222'],
    ['any://one.example:1 *.two.example:2 three.example:3 four.example:4', 'tls://three.example:3'],
  ])('asks the first backend of "%s" that answers whoever asks', async (BACKENDS, backend) => {
    const page = await pageOf({ BACKENDS });
    expect(checkOf(page)).toMatchObject({ backend, link: expect.stringMatching(/^https:\/\/relay\.example\/#p/) });
    expect(page).toContain(`<code>${backend.split('//')[1]}</code>`);
    expect(stagesOf(page)).toEqual(['hello', 'grant', 'backend', 'answer', 'bulk']);
  });

  it('says that it asks none where none can be asked', async () => {
    const page = await pageOf({ BACKENDS: 'any://one.example:1 *.two.example:2' });
    expect(checkOf(page).backend).toBeNull();
    expect(page).toContain('It does not try the chat service');
    expect(stagesOf(page)).toEqual(['hello', 'grant', 'bulk']);
  });

  it('has its failures in the language of the page; those in English are the client’s', async () => {
    for (const { tag } of LANGUAGES) {
      const { language, failures, words } = checkOf(await pageOf({}, `?lang=${tag}`));
      expect(language).toBe(tag);
      expect(Object.keys(failures).sort()).toEqual(tag === 'en' ? [] : [...PAGE_CODES].sort());
      expect(words.works).toContain('{time}');
    }
  });
});

describe('its steps', () => {
  it('are those of the chat service that the relay is for, with its link', async () => {
    const [forWhatsapp, forOthers] = [await pageOf({}), await pageOf({ BACKENDS: 'chat.example:5223' })];
    expect(forWhatsapp).toMatch(/npm run gateway -- whatsapp --port-offset 10000 &#39;https:\/\/relay\.example\/#p/);
    expect(forWhatsapp).toContain('WhatsApp’s own app does not take this address');
    expect(forOthers).toMatch(/npm run forward -- -L socks5:\/\/1080 &#39;https:\/\/relay\.example\/#p/);
    expect(forOthers).not.toContain('WhatsApp');
  });

  it('say when a volunteer could read what apps do not encrypt', async () => {
    const warning = 'This relay also leads to chat services that take messages without encryption';
    expect(await pageOf({ BACKENDS: 'chat.example:5223 any://chat.example:6667' })).toContain(warning);
    expect(await pageOf({ BACKENDS: 'chat.example:5223' })).not.toContain(warning);
  });
});

describe('its counts', () => {
  const rendered = (counts: PublicCounts | undefined, language: Language) =>
    String(CountsSection({ counts, language }) ?? '');
  const counted = { days: 7, sessions: 12_345, bytes: 98_765_432_100, refused: 0 };
  const of = (tag: string) => LANGUAGES.find((language) => language.tag === tag) as Language;

  it('are not there when nothing is counted', async () => {
    expect(rendered(undefined, of('en'))).toBe('');
    expect(await pageOf({})).not.toContain('counts-heading');
  });

  it.each([
    ['en', ['7 days', '12,345', '98.8 GB', '0']],
    ['es', ['7 días', '12.345', '98,8 GB', '0']],
    ['fa', ['۷ روز', '۱۲٬۳۴۵', '۹۸٫۸', '۰']],
    ['ru', ['7 дней', '12 345', '98,8 ГБ', '0']],
  ])('are written as it is done in %s', (tag, values) => {
    const section = rendered(counted, of(tag)).replaceAll(/[\u00a0\u202f]/g, ' ');
    const found = Array.from(section.matchAll(/<dd>(.*?)<\/dd>/g), ([, value = '']) => value);
    expect(found).toEqual(values.map((value) => expect.stringContaining(value)));
  });

  it.each([
    [0, '0 byte'],
    [999, '999 byte'],
    [1000, '1 kB'],
    [5e18, '5,000,000 TB'],
  ])('of %d bytes are %s', (bytes, text) => {
    expect(rendered({ ...counted, bytes }, of('en'))).toContain(`<dd>${text}</dd>`);
  });
});

describe.each(LANGUAGES.map((language) => [language.tag, language] as const))('its words in %s', (tag, { words }) => {
  const [english] = LANGUAGES;
  /** Every text, by where it stands. */
  const textsOf = (value: unknown, path = ''): [string, string][] =>
    typeof value === 'string'
      ? [[path, value]]
      : Object.entries(value ?? {}).flatMap(([name, part]) => textsOf(part, `${path}.${name}`));
  const { failures, ...shared } = words;
  const texts = new Map(textsOf(shared));
  const { failures: _, ...sharedEnglish } = english.words;
  const originals = new Map(textsOf(sharedEnglish));

  it('are all there, with the same places for numbers', () => {
    expect([...texts.keys()]).toEqual([...originals.keys()]);
    const placesIn = (text: string | undefined) => text?.match(/\{\w+\}/g) ?? [];
    for (const [path, text] of texts) {
      expect(text.trim(), path).toBe(text);
      expect(text, path).not.toBe('');
      expect(placesIn(text), path).toEqual(placesIn(originals.get(path)));
    }
  });

  it('name each failure of a check in a browser, and what to do', () => {
    if (tag === 'en') return expect(failures).toBeUndefined();
    expect(Object.keys(failures ?? {}).sort()).toEqual([...PAGE_CODES].sort());
    expect(textsOf(failures).filter(([, text]) => text.length < 4)).toEqual([]);
  });

  it.skipIf(tag === 'en')('are not left in English', () => {
    expect([...texts].filter(([path, text]) => originals.get(path) === text)).toEqual([]);
  });
});
