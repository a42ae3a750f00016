/** What a page pays for the client: bundled and compressed as a page's own tools would. */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const CLIENT = fileURLToPath(new URL('../../client', import.meta.url));
const KIB = 1024;

/** The files of a page that uses these exports of the client, with what it loads only where WebCrypto does not do. */
async function bundled(names: string) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export { ${names} } from './index.ts';`, resolveDir: CLIENT, sourcefile: 'page.js' },
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
  const files = outputFiles.map(({ path, contents, text }) => ({ path, text, size: gzipSync(contents).length }));
  const isNoble = ({ path }: { path: string }) => path.includes('noble');
  return { metafile, files, noble: files.filter(isNoble), core: files.filter((file) => !isNoble(file)) };
}

const size = (files: { size: number }[]) => files.reduce((sum, file) => sum + file.size, 0);

test('the client is small, and noble comes only where WebCrypto does not do', async () => {
  const { files, core, noble, metafile } = await bundled('connect');
  expect(size(core)).toBeGreaterThan(5000);
  expect(size(core)).toBeLessThanOrEqual(13.5 * KIB);
  expect(size(noble)).toBeGreaterThan(5000);
  expect(size(files)).toBeLessThanOrEqual(22.5 * KIB);
  const static_ = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter(({ kind }) => kind === 'import-statement'),
  );
  expect(static_.filter(({ path }) => path.includes('noble'))).toEqual([]);
});

test('several relays, lists of them, and the check cost only the pages that name them', async () => {
  const rooms = /client\/(?:relays\/(?!resolve|fetch-text)|check\/)|protocol\/sentences/;
  const inRooms = ({ metafile }: Awaited<ReturnType<typeof bundled>>) => {
    const parts = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
    return parts.filter(([path, { bytesInOutput }]) => bytesInOutput > 0 && rooms.test(path)).map(([path]) => path);
  };
  expect(inRooms(await bundled('connect'))).toEqual([]);
  expect(inRooms(await bundled('connect, Relays, fetchRelayList, check')).length).toBeGreaterThan(5);
  const several = await bundled('connect, Relays');
  expect(size(several.core)).toBeLessThanOrEqual(14.6 * KIB);
  const withLists = await bundled('connect, Relays, fetchRelayList');
  expect(size(withLists.core)).toBeLessThanOrEqual(15.25 * KIB);
  const withCheck = await bundled('connect, check');
  expect(size(withCheck.core)).toBeLessThanOrEqual(18 * KIB);
});

test('it names nothing that a browser lacks', async () => {
  const { files } = await bundled('connect, Relays, fetchRelayList, check');
  const forbidden = /\bnode:|\brequire\(|\bBuffer\b|(?<!\.)\bprocess\.|\bsetImmediate\b|\bcloudflare:/g;
  for (const { text } of files) expect(text.match(forbidden)).toBeNull();
});
