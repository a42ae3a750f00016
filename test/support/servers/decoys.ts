/** A private relay for each kind of decoy, and beside it the same site without the relay. */
import './offline.ts';
import { build } from 'esbuild';
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

/** A Worker that does nothing but fetch through, with the relay's own code. */
export async function fetchingThrough(worker: Bundle, vars: Vars): Promise<Served> {
  const contents = `import { decoy } from './worker/strangers/decoy.ts'; export default { fetch: decoy };`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  return relay({ ...worker, objects: {}, script: outputFiles[0]?.text ?? '' }, vars);
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
