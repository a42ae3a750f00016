import './examples/local/offline.ts';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'protocol', include: ['test/protocol/**/*.test.ts'] } },
      { test: { name: 'client', include: ['test/client/**/*.test.ts'] } },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            // A key for these tests alone; the entries are for backends that each test starts.
            miniflare: { bindings: { RELAY_KEY: 'A'.repeat(43), BACKENDS: '127.0.0.1:9' } },
          }),
        ],
        test: {
          name: 'workerd',
          include: ['test/worker/**/*.test.ts'],
          globalSetup: './test/support/provided-backend.ts',
        },
      },
      {
        test: {
          name: 'end to end',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: './test/support/build.ts',
          // Each file has a relay of its own; one at a time leaves the counts of sockets and memory undisturbed.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
