/** Serves the page, built anew, with what it must know of its server in `/server.json`. */
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

/** On any free port from 4173 on: what a page remembers, it remembers for its port. */
export async function startPages(server: ServerAddress): Promise<Pages> {
  const folder = mkdtempSync(join(tmpdir(), 'puente-chat-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const config = {
    root: fileURLToPath(new URL('..', import.meta.url)),
    // Else Vite leaves files beside its own.
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
