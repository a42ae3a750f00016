/** The page's languages, and the way for components to get the chosen language. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { read } from '../kept.ts';
import { EN, type Words } from './en.ts';
import { FA } from './fa.ts';

export type { Cause, Words } from './en.ts';

export const LANGUAGES = { en: EN, fa: FA };

export type Language = keyof typeof LANGUAGES;

function isLanguage(name: unknown): name is Language {
  return typeof name === 'string' && Object.hasOwn(LANGUAGES, name);
}

/** The chosen language, or the first of the browser's languages that the page speaks. */
export function keptLanguage(): Language {
  const kept = read('language');
  if (isLanguage(kept)) return kept;
  const [found = 'en'] = navigator.languages.map((tag) => tag.slice(0, 2)).filter(isLanguage);
  return found;
}

export const WordsContext = createContext<Words>(EN);

export const useWords = (): Words => useContext(WordsContext);
