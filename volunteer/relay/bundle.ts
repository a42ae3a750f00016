/** The Worker as `wrangler deploy` would upload it, for a workerd that is not Cloudflare's. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failure, wrangler } from './wrangler.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Bundle {
  /** The Worker's only module. */
  script: string;
  /** Class names of its Durable Objects, by the names of their bindings. */
  objects: Record<string, string>;
  compatibilityDate: string;
  compatibilityFlags: string[];
}

/** Loads wrangler late. Loading takes more than a second: `--help` and refusals do without wrangler. */
function readConfig(config: string) {
  const { unstable_readConfig: read } = createRequire(import.meta.url)('wrangler') as typeof import('wrangler');
  return read({ config });
}

/**
 * Builds the Worker. Needs no account and no network.
 * @param configPath path of a wrangler.toml, from the repository's root
 * @throws Failure when the Worker cannot be built
 */
export function bundle(configPath: string): Bundle {
  const folder = mkdtempSync(join(tmpdir(), 'puente-bundle-'));
  const config = join(ROOT, configPath);
  try {
    const built = wrangler(['deploy', '--dry-run', '--config', config, '--outdir', folder], { quiet: true });
    if (!built.ok) throw failure(built);
    const { main = '', compatibility_date: date = '', compatibility_flags: flags, ...rest } = readConfig(config);
    const module = main.replace(/^.*\//, '').replace(/\.ts$/, '.js');
    return {
      script: readFileSync(join(folder, module), 'utf8'),
      objects: Object.fromEntries(
        rest.durable_objects.bindings.map((object: { name: string; class_name: string }) => [
          object.name,
          object.class_name,
        ]),
      ),
      compatibilityDate: date,
      compatibilityFlags: flags,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
