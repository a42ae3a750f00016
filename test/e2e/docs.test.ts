/** What README and docs tell people to type or to write: every command exists and has those options, every piece of code has the right types. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, run } from '../support/command.ts';

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

const text = (page: string) => readFileSync(join(ROOT, page), 'utf8');

const manifest = JSON.parse(text('package.json')) as {
  name: string;
  exports: Record<string, string | { types: string }>;
  scripts: Record<string, string>;
};

// --- code

/** What a reader has already, by its name: links, and parts of the app around the code. */
const GIVEN = `
declare const link: string;
declare const links: string[];
declare const username: string;
declare const password: string;
declare const url: string;
declare const firstBytes: Uint8Array<ArrayBuffer>;
declare const handle: (bytes: Uint8Array) => void;
declare const showProgress: (relay: string, stage: string, ok: boolean) => void;
declare const showResult: (relay: string, colour: string, message: string, next: string | null, code: string | null) => void;
`;

const snippets = PAGES.flatMap((page) =>
  Array.from(text(page).matchAll(/^```ts\n(.*?)^```$/gms), ([, code = ''], index) => ({
    name: `${page.replace(/\W/g, '-')}-${index}.ts`,
    code,
  })),
);

test('code has the right types', { timeout: 120_000 }, () => {
  expect(snippets.length).toBeGreaterThan(4);
  mkdirSync(join(ROOT, 'node_modules/.cache'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'node_modules/.cache/docs-'));
  try {
    for (const { name, code } of snippets) writeFileSync(join(folder, name), `${code}${GIVEN}`);
    const paths = Object.entries(manifest.exports).flatMap(([path, target]) =>
      typeof target === 'string' ? [] : [[path.replace(/^\./, manifest.name), [join(ROOT, target.types)]]],
    );
    const compilerOptions = {
      target: 'es2024',
      module: 'nodenext',
      moduleDetection: 'force',
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      lib: ['es2024', 'dom', 'dom.asynciterable'],
      types: ['node'],
      paths: Object.fromEntries(paths),
    };
    const files = [...snippets.map(({ name }) => name), join(ROOT, 'examples/adapters/libraries.d.ts')];
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    expect(run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder]).stdout).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// --- commands

/** Every `npm run NAME`, with what follows it on its line or up to the end of its code span. */
const commands = PAGES.flatMap((page) =>
  Array.from(
    text(page).matchAll(/npm run (?:--silent )?([a-z]+)((?: -- [^`\n|]*)?)/g),
    ([, name = '', words = '']) => ({
      page,
      name,
      options: Array.from(words.matchAll(/(?<=\s)(--[a-z][\w-]*|-[a-zA-Z])(?=[\s,.;:)]|$)/g), ([, option]) => option),
    }),
  ),
);

const names = [...new Set(commands.map(({ name }) => name))].sort();

test('every command exists', () => {
  expect(commands.length).toBeGreaterThan(100);
  expect(names.filter((name) => !(name in manifest.scripts))).toEqual([]);
});

test.each(names)('npm run %s has the options that it is given', (name) => {
  const wanted = commands.filter((command) => command.name === name && command.options.length > 0);
  if (wanted.length === 0) return;
  const script = manifest.scripts[name];
  const { status, stdout } = run('npm', ['exec', '--offline', '-c', `${script} --help`]);
  expect(status).toBe(0);
  const missing = wanted.flatMap(({ page, options }) =>
    options
      .filter((option) => option !== '--' && !stdout.includes(option as string))
      .map((option) => `${page}: ${option}`),
  );
  expect(missing).toEqual([]);
});
