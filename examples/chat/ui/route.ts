/** The page that is shown. The page's path is in the address, so that the browser's own Back works. */
import { useLayoutEffect, useState } from 'preact/hooks';

const PAGES = [
  '/',
  '/add',
  '/settings',
  '/settings/code',
  '/settings/language',
  '/settings/storage',
  '/settings/storage/proxy',
] as const;

export type Page = (typeof PAGES)[number];

export type Route = { page: Page } | { page: 'conversation' | 'name'; code: string };

export const linkTo = (page: Page): string => `#${page}`;
export const conversationLink = (code: string): string => `#/with/${code}`;
export const nameLink = (code: string): string => `#/name/${code}`;

function routeOf(hash: string): Route {
  const path = hash.slice(1);
  const [, kind, code] = /^\/(with|name)\/([\w-]{43})$/.exec(path) ?? [];
  if (kind && code) return { page: kind === 'with' ? 'conversation' : 'name', code };
  return { page: PAGES.find((page) => page === path) ?? '/' };
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  // Listen at once, and not after the next frame as `useEffect` does: the page would miss changes of the address until
  // then.
  useLayoutEffect(() => {
    const follow = (): void => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return routeOf(hash);
}
