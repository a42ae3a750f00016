/** A private relay for each kind of decoy, and beside it the same site without the relay. */
import '../../examples/local/offline.ts';
import { build } from 'esbuild';
import { createTestHarness } from 'wrangler';
import { makeCertificate } from '../../examples/local/certificate.ts';
import { ROOT } from './command.ts';
import { type Bundle, bundle, serve } from './workerd.ts';

type Vars = Record<string, string>;

export interface Served {
  port: number;
  stop(): Promise<void>;
}

let bundled: Bundle | undefined;

/** What `wrangler deploy` would upload. */
function relayBundle(): Bundle {
  bundled ??= bundle('wrangler.toml');
  return bundled;
}

async function onWorkerd(worker: Bundle, vars: Vars): Promise<Served> {
  return serve(worker, vars, await makeCertificate());
}

export const relay = (vars: Vars): Promise<Served> => onWorkerd(relayBundle(), vars);

/** A freshly made Worker. */
export function helloWorld(): Promise<Served> {
  const script = `export default { fetch: () => new Response('Hello World!') };`;
  return onWorkerd({ ...relayBundle(), objects: {}, script }, {});
}

/** A Worker that does nothing but fetch through, with the relay's own code. */
export async function fetchingThrough(vars: Vars): Promise<Served> {
  const contents = `import { decoy } from './worker/decoy.ts'; export default { fetch: decoy };`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  return onWorkerd({ ...relayBundle(), objects: {}, script: outputFiles[0]?.text ?? '' }, vars);
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
