/** A Worker that prints, throws and stores who visits it, as the relay must not: a test can know that it would see it. */
import { DurableObject } from 'cloudflare:workers';

interface Env {
  STORE: DurableObjectNamespace<Store>;
}

export class Store extends DurableObject<Env> {
  async keep(text: string): Promise<void> {
    await this.ctx.storage.put('visitor', text);
    await this.ctx.storage.sync();
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const address = request.headers.get('CF-Connecting-IP') ?? '';
    const agent = request.headers.get('User-Agent') ?? '';
    const cookie = request.headers.get('Cookie') ?? '';
    console.log(address);
    console.error(btoa(`agent: ${agent}`));
    await env.STORE.get(env.STORE.idFromName('visitors')).keep(cookie);
    if (new URL(request.url).pathname === '/throw') throw new Error(`from ${request.headers.get('Referer')}`);
    return new Response();
  },
};
