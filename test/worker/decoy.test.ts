/** What a private relay asks of the site that it hides behind. */
import { createExecutionContext, SELF } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import worker from '../../worker/index.ts';

// Any site whose answer to GET differs from that to POST: here an open relay's.
const env = { ACCESS: 'invite', RELAY_KEY: `${'puente'.repeat(7)}A`, ASSETS: SELF as unknown as Fetcher };

const answer = (method: string, headers: Record<string, string> = {}, body?: string) => {
  const request = new Request('https://relay.example/', { method, headers, ...(body && { body }) });
  return worker.fetch(request, env, createExecutionContext());
};

describe('a folder', () => {
  it('is asked with the method that was sent, also of an upgrade', async () => {
    expect((await answer('GET')).status).toBe(200);
    expect((await answer('POST', {}, 'a')).status).toBe(404);
    expect((await answer('GET', { Upgrade: 'websocket' })).status).toBe(200);
    expect((await answer('POST', { Upgrade: 'websocket' }, 'a')).status).toBe(404);
    expect((await answer('HEAD', { Upgrade: 'websocket' })).status).toBe(200);
  });
});

describe('a site elsewhere', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('is not told what the platform knows of a visitor', async () => {
    const asked = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response());
    const visit = new Request('https://relay.example/roses', { cf: { country: 'XX' } as RequestInitCfProperties });
    await worker.fetch(visit, { ...env, DECOY_URL: 'https://site.example/' }, createExecutionContext());
    const sent = new Request(...(asked.mock.lastCall as [Request, RequestInit]));
    expect(sent.url).toBe('https://site.example/roses');
    expect(sent.cf).toEqual({});
  });
});
