/** What a page pays for the package when Vite builds it. */
import { join } from 'node:path';
import { build, type Rolldown } from 'vite';

export interface Page {
  /** In bytes, as a browser would run it, before compression. */
  size: number;
  code: string;
}

/** @param html a page of the project's */
export async function buildPage(folder: string, html: string): Promise<Page> {
  const built = (await build({
    root: folder,
    configFile: false,
    logLevel: 'warn',
    build: { write: false, modulePreload: { polyfill: false }, rollupOptions: { input: join(folder, html) } },
  })) as Rolldown.RolldownOutput;
  const code = built.output.map((file) => (file.type === 'chunk' ? file.code : '')).join('\n');
  return { size: Buffer.byteLength(code), code };
}
