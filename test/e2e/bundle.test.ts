/** What a page pays for the client: bundled and compressed as a page's own tools would. */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const ENTRY = fileURLToPath(new URL('../../client/index.ts', import.meta.url));

async function bundled() {
  const { outputFiles, metafile } = await build({
    entryPoints: { client: ENTRY },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    outdir: 'nowhere',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  return {
    metafile,
    files: outputFiles.map(({ path, contents, text }) => ({ path, text, size: gzipSync(contents).length })),
  };
}

test('the client is small, and noble comes only where WebCrypto does not do', async () => {
  const { files, metafile } = await bundled();
  const noble = files.filter(({ path }) => path.includes('noble'));
  const core = files.filter((file) => !noble.includes(file));
  const size = (of: typeof files) => of.reduce((sum, file) => sum + file.size, 0);
  expect(size(core)).toBeGreaterThan(5000);
  expect(size(core)).toBeLessThanOrEqual(12 * 1024);
  expect(size(noble)).toBeGreaterThan(5000);
  expect(size(files)).toBeLessThanOrEqual(22 * 1024);
  const static_ = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter(({ kind }) => kind === 'import-statement'),
  );
  expect(static_.filter(({ path }) => path.includes('noble'))).toEqual([]);
});

test('it names nothing that a browser lacks', async () => {
  const { files } = await bundled();
  const forbidden = /\bnode:|\brequire\(|\bBuffer\b|(?<!\.)\bprocess\.|\bsetImmediate\b|\bcloudflare:/g;
  for (const { text } of files) expect(text.match(forbidden)).toBeNull();
});
