/** A private relay for each kind of decoy, and beside it the same site without the relay. */
import './offline.ts';
import { createTestHarness } from 'wrangler';
import type { Bundle } from '../../../volunteer/relay/bundle.ts';
import { ROOT } from '../command.ts';
import { makeCertificate } from '../fixtures/certificate.ts';
import { serve } from './workerd.ts';

type Vars = Record<string, string>;

export interface Served {
  port: number;
  stop(): Promise<void>;
}

/** @param worker what `wrangler deploy` would upload */
export async function relay(worker: Bundle, vars: Vars): Promise<Served> {
  return serve(worker, vars, await makeCertificate());
}

/** A freshly made Worker. @param worker the relay's, whose compatibility date it has */
export function helloWorld(worker: Bundle): Promise<Served> {
  const script = `export default { fetch: () => new Response('Hello World!') };`;
  return relay({ ...worker, objects: {}, script }, {});
}

/**
 * A Worker that shows another site, and no relay. It shares no code with the relay's decoy and works in another way, so
 * that a fault in one of the two is a difference between them. Like the relay, it passes on only those headers that the
 * site's answer depends on.
 */
const FETCHING_THROUGH = `
  /** Where a URL's path begins, or would: that of the request "OPTIONS *" has none. */
  const pathIn = (url) => (url + '/').indexOf('/', url.indexOf('//') + 2);
  export default {
    async fetch(request, { DECOY_URL }) {
      const { url } = request;
      const site = DECOY_URL.slice(0, pathIn(DECOY_URL));
      const headers = [...request.headers].filter(([name]) => /^(accept|if-|range|content-type)/.test(name));
      try {
        const asked = new Request(site + url.slice(pathIn(url)), request);
        const answer = await fetch(asked, { headers, redirect: 'manual' });
        const shown = new Response(answer.body, answer);
        const location = answer.headers.get('Location') ?? '';
        for (const itself of [site + '/', site.replace('http:', '') + '/'])
          if (location.startsWith(itself))
            shown.headers.set('Location', url.slice(0, pathIn(url)) + '/' + location.slice(itself.length));
        return shown;
      } catch {
        return new Response('Bad Gateway', { status: 502 });
      }
    },
  };
`;

export function fetchingThrough(worker: Bundle, vars: Vars): Promise<Served> {
  return relay({ ...worker, objects: {}, script: FETCHING_THROUGH }, vars);
}

/** Plain workerd has no folders of assets: these two run in wrangler's, whose entry answers for both alike. */
async function inHarness(configPath: string, vars: Vars): Promise<Served> {
  const harness = createTestHarness({ root: ROOT, workers: [{ configPath, vars }] });
  const { url } = await harness.listen();
  return { port: Number(url.port), stop: () => harness.close() };
}

export const relayWithFolder = (vars: Vars): Promise<Served> => inHarness('test/decoy/relay.toml', vars);

/** The folder, and no Worker. */
export const folder = (): Promise<Served> => inHarness('test/decoy/site.toml', {});
