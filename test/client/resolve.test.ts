/** What a person pastes, and what a host answers. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { findRelay } from '../../client/relays/resolve.ts';
import { toBase64url } from '../../protocol/bytes.ts';
import { formatLink } from '../../protocol/permits/link.ts';

const key = new Uint8Array(32).fill(7);
let close: () => void = () => {};

afterEach(() => close());

async function host(answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a bare address', () => {
  it('is asked for its key once, which is kept', async () => {
    const asked: (string | undefined)[] = [];
    let published = key;
    const origin = await host((request, response) => {
      asked.push(request.url);
      response.end(JSON.stringify({ version: 1, key: toBase64url(published) }));
    });
    expect(await findRelay(origin)).toEqual({ url: `${origin}/`, key });
    published = new Uint8Array(32).fill(8);
    expect((await findRelay(origin)).key).toEqual(key);
    expect(asked).toEqual(['/.well-known/puente']);
  });

  it('with a path is another relay than its host alone, with a key of its own', async () => {
    const origin = await host((request, response) => {
      const number = ['/.well-known/puente', '/a/path/.well-known/puente'].indexOf(request.url ?? '');
      response.end(JSON.stringify({ key: toBase64url(new Uint8Array(32).fill(number)) }));
    });
    for (const [number, url] of [`${origin}/`, `${origin}/a/path/`].entries())
      expect(await findRelay(url)).toEqual({ url, key: new Uint8Array(32).fill(number) });
  });

  it.each<[string, http.RequestListener]>([
    ['has no such page', (_, response) => response.writeHead(404).end(JSON.stringify({ key: toBase64url(key) }))],
    ['answers with a page', (_, response) => response.end('<!doctype html>')],
    ['publishes half a key', (_, response) => response.end(JSON.stringify({ key: toBase64url(key.slice(16)) }))],
    ['publishes a number', (_, response) => response.end('{"key": 5}')],
    ['publishes null', (_, response) => response.end('null')],
  ])('of a host that %s is no open relay', async (_, answer) => {
    const origin = await host(answer);
    await expect(findRelay(origin)).rejects.toMatchObject({ code: 'no-key' });
  });

  it('of a host that never stops answering is given up early', async () => {
    let sent = 0;
    const origin = await host((_, response) => {
      const pour = () => {
        while (!response.destroyed && response.write('x'.repeat(1000))) sent += 1000;
      };
      response.on('drain', pour);
      pour();
    });
    await expect(findRelay(origin)).rejects.toMatchObject({ code: 'no-key' });
    // What loopback's buffers swallow, and no more.
    expect(sent).toBeLessThan(20_000_000);
  });

  it('of a host that breaks off in the middle is out of reach', async () => {
    const origin = await host((_, response) => {
      response.writeHead(200, { 'Content-Length': '100' }).write('{"key":');
      setTimeout(() => response.destroy(), 20);
    });
    await expect(findRelay(origin)).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('is not followed elsewhere', async () => {
    const origin = await host((request, response) => {
      if (request.url === '/elsewhere') response.end(JSON.stringify({ key: toBase64url(key) }));
      else response.writeHead(302, { Location: '/elsewhere' }).end();
    });
    await expect(findRelay(origin)).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('may be asked again after a failure', async () => {
    let works = false;
    const origin = await host((_, response) =>
      response.writeHead(works ? 200 : 503).end(JSON.stringify({ key: toBase64url(key) })),
    );
    await expect(findRelay(origin)).rejects.toMatchObject({ code: 'no-key' });
    works = true;
    expect((await findRelay(origin)).key).toEqual(key);
  });
});

describe('a link', () => {
  it('is asked for nothing', async () => {
    const link = formatLink({ url: 'https://relay.invalid/', key: key });
    expect(await findRelay(link)).toEqual({ url: 'https://relay.invalid/', key });
  });
});
