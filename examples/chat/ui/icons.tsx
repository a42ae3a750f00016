/**
 * Icons drawn for this page, on a grid of 24. Screen readers skip the icons: every element with an icon has words, too.
 */
import type { JSX } from 'preact';

const PATHS = {
  back: 'M15 5l-7 7 7 7',
  forward: 'M9 5l7 7-7 7',
  settings: 'M4 7h9M17 7h3M4 12h3M11 12h9M4 17h7M15 17h5M15 5v4M9 10v4M13 15v4',
  rename: 'M4 20l1-4L16.5 4.5l3 3L8 19zM14 7l3 3',
  add: 'M12 5v14M5 12h14',
  send: 'M4 12l16-8-5 16-4-6.5zM11 13.5L20 4',
  sent: 'M5 12.5l4.5 4.5L19 7.5',
  delivered: 'M2 12.5L6.5 17 15 7.5M11.5 15.5L13 17l9-9.5',
  waiting: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2',
  shield: 'M12 3l7 3v5c0 5-3 8.5-7 10-4-1.5-7-5-7-10V6z',
  storage:
    'M4 6.5C4 5 7.6 4 12 4s8 1 8 2.5S16.4 9 12 9 4 8 4 6.5zM4 6.5v11C4 19 7.6 20 12 20s8-1 8-2.5v-11M4 12c0 1.5 3.6 2.5 8 2.5s8-1 8-2.5',
  language:
    'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c2.5 2.5 3.7 5.5 3.7 9s-1.2 6.5-3.7 9c-2.5-2.5-3.7-5.5-3.7-9S9.5 5.5 12 3z',
  code: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2h-2zM18 14h2M14 18v2M18 18h2v2h-2z',
  paste: 'M9 4h6v3H9zM9 5H6v15h12V5h-3',
  image: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M9 9.5v.1',
  remove: 'M6 6l12 12M18 6L6 18',
  failed: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9 9l6 6M15 9l-6 6',
  works: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 12.3l2.8 2.8L16 9.5',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, class: style = '' }: { name: IconName; class?: string | undefined }): JSX.Element {
  return (
    <svg class={`icon icon-${name} ${style}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
