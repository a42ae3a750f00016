/** A new project, in a folder of its own, that has installed the package from what `npm pack` makes. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../support/command.ts';
import { run } from './run.ts';

export interface Packed {
  filename: string;
  version: string;
  /** In bytes. */
  size: number;
  files: { path: string }[];
}

/** Its files are those of `scratch/`. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'puente-package-'));
  readonly #nodes = new Map<number, Promise<string>>();

  constructor() {
    cpSync(fileURLToPath(new URL('scratch', import.meta.url)), this.folder, { recursive: true });
    writeFileSync(join(this.folder, 'package.json'), '{ "type": "module" }\n');
  }

  async pack(): Promise<Packed> {
    const output = await run('npm', ['pack', '--json', '--pack-destination', this.folder], { cwd: ROOT });
    const [packed] = JSON.parse(output) as Packed[];
    if (!packed) throw new Error('npm has packed nothing.');
    return packed;
  }

  /** @returns what has been installed, the package itself included */
  async install({ filename }: Packed): Promise<string[]> {
    await run('npm', ['install', '--no-audit', '--no-fund', join(this.folder, filename)], { cwd: this.folder });
    const modules = join(this.folder, 'node_modules');
    return readdirSync(modules)
      .filter((name) => !name.startsWith('.'))
      .flatMap((name) => (name.startsWith('@') ? readdirSync(join(modules, name)).map((of) => `${name}/${of}`) : name));
  }

  /** The path of this version's `node`: one that is at hand, or one that is installed below this project's folder. */
  node(major: number): Promise<string> {
    const node = this.#nodes.get(major) ?? this.#findNode(major);
    this.#nodes.set(major, node);
    return node;
  }

  async #findNode(major: number): Promise<string> {
    for (const path of [process.execPath, process.env.npm_node_execpath ?? 'node'])
      if ((await run(path, ['--version'])).startsWith(`v${major}.`)) return path;
    const folder = join(this.folder, `node-${major}`);
    mkdirSync(folder);
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, `node@${major}`], { cwd: folder });
    return join(folder, 'node_modules/node/bin/node');
  }
}
