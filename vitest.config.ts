import './test/support/servers/offline.ts';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Most of the time that a short command takes, its modules are compiled: once is enough for all that the tests start.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/compile', import.meta.url));

/**
 * Tests that measure, that count memory, whose networks live by the clock, or that must open more clients than there is room for within
 * the ten seconds for which one may be silent. And `fuzz`, which takes all of a core.
 */
const ALONE = [
  'abuse',
  'bench',
  'canaries',
  'flood',
  'frozen',
  'fuzz',
  'gone',
  'kills',
  'lab',
  'middlebox',
  'transfer',
];

/** Those that take longest begin first: else one of them ends long after all others. Vitest knows it only on its second run. */
const LONGEST = ['flood', 'bench', 'memory', 'deploy', 'selfhost', 'clients', 'dialer', 'demo'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => LONGEST.indexOf(basename(moduleId, '.test.ts'));
    const sorted = await super.sort(files);
    const first = sorted.filter((file) => place(file) >= 0).sort((a, b) => place(a) - place(b));
    return [...first, ...sorted.filter((file) => place(file) < 0)];
  }
}

const E2E = 'test/e2e/**/*.test.ts';
const ALONE_FILES = `test/e2e/{${ALONE.join()}}.test.ts`;

/** By default it would leave one core out, which is half of a small machine. */
const ALL_CORES = { maxWorkers: '100%' };

/** A hang still ends. A machine that is busy with something else makes no test fail. */
const PATIENT = { testTimeout: 60_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // Those that run side by side wait for answers that do not come.
    maxConcurrency: 16,
    projects: [
      // Pure, so what one file leaves behind is nothing to the next.
      { test: { name: 'protocol', include: ['test/protocol/**/*.test.ts'], isolate: false, ...ALL_CORES, ...PATIENT } },
      { test: { name: 'client', include: ['test/client/**/*.test.ts'], ...ALL_CORES, ...PATIENT } },
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
          globalSetup: './test/support/servers/provided-backend.ts',
          ...ALL_CORES,
          ...PATIENT,
        },
      },
      {
        // Beside many others they would see what those use and hold up.
        test: {
          name: 'end to end',
          include: [ALONE_FILES],
          globalSetup: './test/support/servers/provided-worker.ts',
          ...ALL_CORES,
          sequence: { groupOrder: 1 },
          ...PATIENT,
        },
      },
      {
        // Whole programs, servers, and sessions whose waits do not matter: they wait more than they compute.
        test: {
          name: 'apps',
          include: [E2E],
          exclude: [ALONE_FILES],
          globalSetup: ['./test/support/build.ts', './test/support/servers/provided-worker.ts'],
          maxWorkers: 4,
          sequence: { groupOrder: 2 },
          ...PATIENT,
        },
      },
    ],
  },
});
