/** The examples of the adapters, as a person runs them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { Command, ROOT } from './command.ts';

/** The Node that runs the tests, and the one that npm itself runs on, which may be an older one. */
export const NODES = [...new Set([process.execPath, process.env.npm_node_execpath ?? process.execPath])];

/**
 * Runs `examples/adapters/NAME.ts` to its end, the libraries as they are installed.
 * @param ca in PEM: Node is told to trust it, so that the example need not be
 * @returns what it printed
 */
export async function runExample(node: string, name: string, args: string[], ca: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, `examples/adapters/${name}.ts`)],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    write: false,
  });
  const folder = mkdtempSync(join(tmpdir(), 'puente-example-'));
  writeFileSync(join(folder, 'ca.pem'), ca);
  const env = { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') };
  // Not every Node reads TypeScript; and what comes on standard input finds the libraries from where it is run.
  const example = new Command(node, ['--input-type=module', '-', ...args], env);
  try {
    example.endInput(outputFiles[0]?.text);
    const exit = await example.end();
    if (exit !== 0 || example.stderr) throw new Error(`It ended with ${exit}. Errors:\n${example.stderr}`);
    return example.stdout;
  } finally {
    example.kill();
    rmSync(folder, { recursive: true });
  }
}
