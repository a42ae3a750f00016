/** The guides in other languages: whoever reads one must be told to type the same as whoever reads the English one. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const TRANSLATIONS: Record<string, readonly string[]> = {
  'volunteers.md': ['es/voluntarios.md', 'fa/volunteers.md'],
  'users.md': ['es/usuarios.md', 'fa/users.md'],
};

const DOCS = new URL('../../docs/', import.meta.url);
const read = (page: string): string => readFileSync(new URL(page, DOCS), 'utf8');

const FENCED = /^ *```\n(.*?)^ *```$/gms;
const INDENTED = /^ {4}\S.*$/gm;

/** What stands in code blocks, in their order, and all that is written as code in the text, which other languages order as they like. */
function codeOf(page: string): { blocks: string[]; inline: string[] } {
  const rest = page.replace(FENCED, '');
  const blocks = [...Array.from(page.matchAll(FENCED), ([, block = '']) => block), ...(rest.match(INDENTED) ?? [])];
  const inline = Array.from(rest.matchAll(/`([^`]+)`/g), ([, code = '']) => code.replace(/\s+/g, ' '));
  return { blocks: blocks.flatMap((block) => block.trim().split(/\n\s*/)), inline: [...new Set(inline)].sort() };
}

/** Where its links lead, seen from the page; those on the web aside. */
const linksOf = (page: string): string[] =>
  Array.from(page.matchAll(/\]\((?!https:)([^)#]+)/g), ([, target = '']) => target);

describe.each(Object.entries(TRANSLATIONS))('docs/%s', (original, translations) => {
  it('has commands', () => {
    const { blocks, inline } = codeOf(read(original));
    expect(blocks).toContain('git clone … puente && cd puente && npm ci');
    expect(inline.some((code) => code.startsWith('npm run '))).toBe(true);
  });

  it.each(translations)('has the same code in %s, and as many sections', (translation) => {
    const [theirs, ours] = [read(translation), read(original)];
    expect(codeOf(theirs)).toEqual(codeOf(ours));
    const headings = (page: string) => page.match(/^#+(?= )/gm);
    expect(headings(theirs)).toEqual(headings(ours));
  });

  it.each([original, ...translations])(
    '%s leads to pages that are there, and to itself in each other language',
    (page) => {
      const targets = linksOf(read(page)).map((target) => new URL(target, new URL(page, DOCS)));
      for (const target of targets) expect(() => readFileSync(target), target.href).not.toThrow();
      const others = [original, ...translations].filter((other) => other !== page);
      expect(targets.map(({ href }) => href)).toEqual(
        expect.arrayContaining(others.map((other) => new URL(other, DOCS).href)),
      );
    },
  );
});
