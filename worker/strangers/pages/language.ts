/** Chooses the language that a visitor gets. */
import { languageDetector } from 'hono/language';
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
  /** The name of the language, in the language itself. */
  name: string;
  dir: 'ltr' | 'rtl';
  words: Words;
}

/** The first language is for visitors who name no language of this list. */
export const LANGUAGES: readonly [Language, ...Language[]] = [
  { tag: 'en', name: 'English', dir: 'ltr', words: en },
  { tag: 'es', name: 'Español', dir: 'ltr', words: es },
  { tag: 'fa', name: 'فارسی', dir: 'rtl', words: fa },
  { tag: 'ar', name: 'العربية', dir: 'rtl', words: ar },
  { tag: 'ru', name: 'Русский', dir: 'ltr', words: ru },
  { tag: 'zh-Hans', name: '中文', dir: 'ltr', words: zh },
  { tag: 'tr', name: 'Türkçe', dir: 'ltr', words: tr },
];

const primary = (tag: string): string => tag.split('-', 1)[0] as string;

/**
 * Sets `language` to the primary subtag of the visitor's language. That is the language chosen by `?lang=`, or else the
 * preferred language (RFC 9110 section 12.5.4). Readers of `es-MX` read `es`.
 */
export const detectLanguage = languageDetector({
  order: ['querystring', 'header'],
  caches: false,
  supportedLanguages: LANGUAGES.map(({ tag }) => primary(tag)),
  fallbackLanguage: LANGUAGES[0].tag,
  convertDetectedLanguage: primary,
});

/** @param subtag as `detectLanguage` sets it */
export function languageOf(subtag: string): Language {
  return LANGUAGES.find(({ tag }) => primary(tag) === subtag) ?? LANGUAGES[0];
}
