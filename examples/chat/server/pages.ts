/** Builds the page anew and serves it. `/server.json` tells the page its server. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';
import type { ServerAddress } from '../net/chat.ts';

export interface Pages {
  url: string;
  close(): Promise<void>;
}

/** Serves the page on any free port from 4173 on. The browser keeps a page's memory for each port. */
export async function startPages(server: ServerAddress): Promise<Pages> {
  const folder = mkdtempSync(join(tmpdir(), 'puente-chat-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const config = {
    root: fileURLToPath(new URL('..', import.meta.url)),
    // Without this Vite leaves files beside its own.
    configLoader: 'native',
    logLevel: 'warn',
    build: { outDir: folder, emptyOutDir: true, reportCompressedSize: false },
    preview: { host: '127.0.0.1' },
  } as const;
  await build(config);
  writeFileSync(join(folder, 'server.json'), JSON.stringify(server));
  const pages = await preview(config);
  return {
    url: pages.resolvedUrls?.local[0] ?? '',
    async close() {
      await pages.close();
      process.off('exit', remove);
      remove();
    },
  };
}
