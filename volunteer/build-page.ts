/**
 * Part of `npm run build`: makes the files that the relay's page needs in a browser, for the Worker to import. The
 * result is a module of strings, and not a text file with a rule for it. Every bundler of the Worker can take a module
 * without being told.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The page's own entry point: for esbuild, a script that is loaded on demand is an entry point, too. */
const ENTRY = 'client/page/check.ts';
const FOLDER = join(ROOT, 'dist/page');

const TYPES = `/** The script that the page names. */
export declare const entry: string;
/** All scripts, by their names, which change with what is in them. */
export declare const scripts: Readonly<Record<string, string>>;
export declare const style: string;
/** Of the style, as a policy names it. */
export declare const styleHash: string;
`;

/** Builds the scripts. noble is a script of its own: a browser loads noble where its WebCrypto lacks something. */
async function buildScripts(): Promise<{ entry: string; scripts: Record<string, string> }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(ROOT, ENTRY)],
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    outdir: FOLDER,
    write: false,
    metafile: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  const entry = Object.keys(metafile.outputs).find((path) => metafile.outputs[path]?.entryPoint === ENTRY);
  if (!entry) throw new Error('There is no script for the page.');
  return {
    entry: basename(entry),
    scripts: Object.fromEntries(outputFiles.map(({ path, text }) => [basename(path), text])),
  };
}

async function buildStyle(): Promise<{ style: string; styleHash: string }> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'worker/strangers/pages/style.css')],
    minify: true,
    // People have older phones.
    target: ['chrome88', 'firefox86', 'safari14'],
    write: false,
    logLevel: 'warning',
  });
  const style = (outputFiles[0]?.text ?? '').trim();
  return { style, styleHash: `sha256-${createHash('sha256').update(style).digest('base64')}` };
}

const files = { ...(await buildScripts()), ...(await buildStyle()) };
mkdirSync(FOLDER, { recursive: true });
const lines = Object.entries(files).map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`);
write('files.js', lines.join(''));
write('files.d.ts', TYPES);

/** Replaces the file in one step: a process may be reading the old file. */
function write(name: string, text: string): void {
  const path = join(FOLDER, name);
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
