/** Lists of relays: as text, from a host, from a file. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readRelayList } from '../../client/node/index.ts';
import { fetchRelayList, parseRelayList } from '../../client/relays/relay-list.ts';
import { Relays } from '../../client/relays/relays.ts';
import { DISCOVERY_MAX, MESSAGE_CHARS_MAX, RELAYS_MAX } from '../../protocol/limits.ts';
import { formatLink } from '../../protocol/permits/link.ts';

const LINK = formatLink({
  url: 'https://relay.example/',
  key: new Uint8Array(32).fill(7),
  invite: new Uint8Array(3),
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

async function host(answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/relays.txt`;
}

describe('a list', () => {
  it('is a link or a host a line; blank lines and those with # say nothing', () => {
    const text = `\ufeff# our relays\r\n\r\n${LINK}\n  relay.example.net  \n#https://off.example\nhttp://127.0.0.1:8080\r`;
    expect(parseRelayList(text)).toEqual({
      relays: [LINK, 'relay.example.net', 'http://127.0.0.1:8080'],
      skipped: [],
    });
  });

  it('is JSON, which may carry a message', () => {
    const text = JSON.stringify({ relays: [LINK, 'relay.example.net'], message: ' Back on Monday. ', more: 1 });
    expect(parseRelayList(`\n ${text}\n`)).toEqual({
      relays: [LINK, 'relay.example.net'],
      message: 'Back on Monday.',
      skipped: [],
    });
  });

  it('is read without what is wrong in it, which is reported without its text', () => {
    const { relays, skipped } = parseRelayList(
      `${LINK}\n\nhttp://relay.example\n${LINK.slice(0, 40)}SECRET\nrelay.example`,
    );
    expect(relays).toEqual([LINK, 'relay.example']);
    expect(skipped.map(({ number, error }) => [number, error.code])).toEqual([
      [3, 'link-invalid'],
      [4, 'link-invalid'],
    ]);
    expect(skipped.map(({ error }) => error.message).join()).not.toMatch(/SECRET|relay\.example/);
    const json = parseRelayList(JSON.stringify({ relays: [5, null, { link: LINK }, LINK] }));
    expect(json.relays).toEqual([LINK]);
    expect(json.skipped.map(({ number }) => number)).toEqual([1, 2, 3]);
  });

  it.each([
    ['nothing', ''],
    ['nothing but remarks', '# none\n\n'],
    ['nothing but mistakes', 'ftp://relay.example'],
    ['JSON with none', '{"relays": []}'],
    ['JSON without them', '{"message": "hello"}'],
    ['JSON with something else', '{"relays": "relay.example"}'],
    ['half of JSON', '{"relays": ["relay.example"'],
    ['a page', '<!doctype html><title>Hello World!</title>'],
    ['too long', `relay.example\n${'#'.repeat(DISCOVERY_MAX)}`],
  ])('that holds %s is none', (_, text) => {
    expect(() => parseRelayList(text)).toThrow(expect.objectContaining({ code: 'link-invalid' }));
  });

  it('is read up to its bound', () => {
    const hosts = Array.from({ length: RELAYS_MAX + 5 }, (_, index) => `relay${index}.example`);
    for (const text of [hosts.join('\n'), JSON.stringify({ relays: hosts })])
      expect(parseRelayList(text).relays).toEqual(hosts.slice(0, RELAYS_MAX));
  });
});

describe('a message', () => {
  const message = (text: unknown) =>
    parseRelayList(JSON.stringify({ relays: ['relay.example'], message: text })).message;

  it('keeps its letters and lines', () => {
    expect(message('Новый адрес\r\nsoon: می\u200cخواهم 🌉')).toBe('Новый адрес\nsoon: می\u200cخواهم 🌉');
  });

  it('loses what a terminal or a page would take for more than text', () => {
    expect(message('a\u001b[31mb\u0000c\u0007d\u009be\u202ef\u2066g\th')).toBe('a[31mbcdefgh');
  });

  it('has a bound, and no half of a character at it', () => {
    expect(message('🌉'.repeat(MESSAGE_CHARS_MAX + 1))).toBe('🌉'.repeat(MESSAGE_CHARS_MAX));
  });

  it.each([[5], [null], [['hello']], [' \n '], ['\u0000']])('is none when it is %j', (text) => {
    expect(message(text)).toBeUndefined();
  });
});

describe('a list on a host', () => {
  it('is fetched, with nothing that tells who asks', async () => {
    const asked: http.IncomingHttpHeaders[] = [];
    const url = await host((request, response) => {
      asked.push(request.headers);
      response.end(JSON.stringify({ relays: [LINK], message: 'hello' }));
    });
    expect(await fetchRelayList(url)).toEqual({ relays: [LINK], message: 'hello', skipped: [] });
    expect(asked.length).toBe(1);
    expect(asked[0]).not.toHaveProperty('cookie');
    expect(asked[0]).not.toHaveProperty('referer');
  });

  it.each<[string, string, http.RequestListener]>([
    ['has none', 'link-invalid', (_, response) => response.writeHead(404).end(LINK)],
    ['answers nothing', 'link-invalid', (_, response) => response.end()],
    ['never stops', 'link-invalid', (_, response) => response.end(`${LINK}\n#${'x'.repeat(2 * DISCOVERY_MAX)}`)],
    ['sends elsewhere', 'unreachable', (_, response) => response.writeHead(302, { Location: '/other' }).end()],
    ['breaks off', 'unreachable', (_, response) => response.destroy()],
  ])('that %s fails with %s', async (_, code, answer) => {
    const elsewhere: http.RequestListener = (request, response) =>
      request.url === '/other' ? response.end(LINK) : answer(request, response);
    await expect(fetchRelayList(await host(elsewhere))).rejects.toMatchObject({ code });
  });

  it.each(['http://relay.example/list', 'file:///etc/relays', 'data:text/plain,relay.example', 'relays.txt'])(
    'at %s is not fetched',
    async (url) => {
      await expect(fetchRelayList(url)).rejects.toMatchObject({ code: 'link-invalid' });
    },
  );
});

describe('a list in a file', () => {
  async function file(contents: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'puente-list-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'relays'), contents);
    return join(folder, 'relays');
  }

  it('is read', async () => {
    const list = await readRelayList(await file(`# ours\n${LINK}\n`));
    expect(list.relays).toEqual([LINK]);
    expect(() => new Relays(list.relays)).not.toThrow();
  });

  it('that is too long is none', async () => {
    const path = await file(`${LINK}\n${'#'.repeat(DISCOVERY_MAX)}`);
    await expect(readRelayList(path)).rejects.toMatchObject({ code: 'link-invalid' });
  });

  it('that has no end is given up', async () => {
    await expect(readRelayList('/dev/zero')).rejects.toMatchObject({ code: 'link-invalid' });
  });

  it('that is not there is told as the file system does', async () => {
    await expect(readRelayList('/nowhere/relays')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
