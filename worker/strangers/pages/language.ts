/** Which language a visitor gets. */
import { ar } from './words/ar.ts';
import { en } from './words/en.ts';
import { es } from './words/es.ts';
import { fa } from './words/fa.ts';
import { ru } from './words/ru.ts';
import { tr } from './words/tr.ts';
import type { Words } from './words/words.ts';
import { zh } from './words/zh.ts';

export interface Language {
  /** BCP 47. */
  tag: string;
  /** In itself. */
  name: string;
  dir: 'ltr' | 'rtl';
  words: Words;
}

/** The first one is for those who name none of them. */
export const LANGUAGES: readonly [Language, ...Language[]] = [
  { tag: 'en', name: 'English', dir: 'ltr', words: en },
  { tag: 'es', name: 'Español', dir: 'ltr', words: es },
  { tag: 'fa', name: 'فارسی', dir: 'rtl', words: fa },
  { tag: 'ar', name: 'العربية', dir: 'rtl', words: ar },
  { tag: 'ru', name: 'Русский', dir: 'ltr', words: ru },
  { tag: 'zh-Hans', name: '中文', dir: 'ltr', words: zh },
  { tag: 'tr', name: 'Türkçe', dir: 'ltr', words: tr },
];

/**
 * What the visitor has chosen, or else prefers.
 * @param chosen a tag
 * @param accepted an `Accept-Language` header
 */
export function languageFor(chosen: string | undefined, accepted: string | undefined): Language {
  const wished = [chosen ?? '', ...preferences(accepted ?? '')];
  return wished.map(languageOf).find((language) => language !== undefined) ?? LANGUAGES[0];
}

/** By the primary subtag alone: whoever reads `es-MX` reads `es`. */
function languageOf(range: string): Language | undefined {
  const primary = (tag: string) => tag.toLowerCase().split('-')[0];
  return LANGUAGES.find(({ tag }) => primary(tag) === primary(range));
}

/** RFC 9110 section 12.5.4: ranges with weights, which order them; those of weight 0 are not wanted. */
function preferences(header: string): string[] {
  const ranges = header.split(',').map((item) => {
    const [range = '', ...parameters] = item.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => /^q=/i.test(parameter))?.slice(2);
    return { range, weight: weight === undefined ? 1 : Number(weight) };
  });
  return ranges
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map(({ range }) => range);
}
