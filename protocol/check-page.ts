/**
 * What the page of an open relay gives its script: they are of two parts that never import each other. The script is
 * `client/page/check.ts`, the page `worker/strangers/pages/landing.tsx`.
 */
import type { Code } from './errors.ts';

/**
 * What a check can end with in a browser that asks the relay of the page it is on, by its whole link: no name is mistyped, no invite can
 * expire, and what the browser keeps to itself is `unreachable`. Faults of our own are not among them.
 */
export const PAGE_CODES = [
  // of the way to the relay
  'unreachable',
  'timeout',
  'carrier-lost',
  'bad-grant',
  'wrong-key',
  'frozen',
  'idle',
  // of the relay
  'version',
  'full',
  'limited',
  'session-unknown',
  'backend-not-allowed',
  // of the chat service
  'backend-down',
  'backend-silent',
  'backend-strange',
  'backend-reset',
] as const satisfies readonly Code[];

export type PageCode = (typeof PAGE_CODES)[number];

export interface Failure {
  /** What is wrong. */
  says: string;
  /** What to do. */
  next: string;
}

export interface CheckWords {
  running: string;
  /** When the chat service has answered; `{time}`: how long that took. */
  works: string;
  /** Where no chat service was asked; `{time}`: how long the relay took to answer. */
  reached: string;
  /** What is to be known of a relay that works all the same. */
  remarks: Record<'limited' | 'version', Failure>;
  /** Before the code. */
  failed: string;
  /** Of a stage, for those who do not see its sign. */
  states: { ok: string; failed: string };
  /** Where the script itself fails. */
  broken: string;
  copied: string;
}

/** As JSON in the page. */
export interface CheckPage {
  link: string;
  /** For a check's option of that name. */
  backend: string | null;
  /** A BCP 47 tag, for numbers. */
  language: string;
  words: CheckWords;
  /** In the page's language; what is missing is said in English. */
  failures: Partial<Record<string, Failure>>;
}

/** Of the element that holds it. */
export const CHECK_PAGE_ID = 'check-page';
