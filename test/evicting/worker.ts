/** The relay, with a hub that can be told to go, as the platform moves and evicts objects. For tests alone. */

import relay from '../../worker/index.ts';
import { Hub as RelayHub } from '../../worker/session/hub.ts';

const EVICT = '/evict';

interface Env {
  HUB: DurableObjectNamespace<Hub>;
}

export class Hub extends RelayHub {
  override fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === EVICT) this.ctx.abort('evicted');
    return super.fetch(request);
  }
}

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname !== EVICT) return relay.fetch(request, env, context);
    // It answers by being gone.
    await env.HUB.get(env.HUB.idFromName('hub-0'))
      .fetch(request)
      .catch(() => {});
    return new Response('evicted');
  },
};
