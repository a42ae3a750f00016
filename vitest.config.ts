import './examples/local/offline.ts';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** Whole programs, and apps with their servers: they wait more than they compute. */
const APPS = [
  'test/e2e/{adapters,chat,gateway}/**/*.test.ts',
  'test/e2e/{browser,check,cli,demo,deploy,dialer,doctor,examples,failover,mqtt,repository,selfhost,xmpp}.test.ts',
];

/** Beside each other, tests that count sockets and memory, or that time may fail, would disturb one another. */
const alone = (order: number) => ({ sequence: { groupOrder: order }, testTimeout: 60_000, hookTimeout: 60_000 });

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
            miniflare: { bindings: { RELAY_KEY: `${'puente'.repeat(7)}A`, BACKENDS: '127.0.0.1:9' } },
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
          exclude: APPS,
          fileParallelism: false,
          ...alone(1),
        },
      },
      {
        test: {
          name: 'apps',
          include: APPS,
          globalSetup: './test/support/build.ts',
          maxWorkers: 3,
          ...alone(2),
        },
      },
    ],
  },
});
