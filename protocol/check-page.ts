/**
 * What the page of an open relay gives its script. The two belong to parts that never import each other: the script is
 * `client/page/check.ts`, the page is `worker/strangers/pages/landing.tsx`.
 */
import type { Code } from './errors.ts';

/**
 * The codes with which a check can end in a browser that asks the relay of its own page, by the relay's whole link. No
 * name is mistyped there, and no invite can expire. Failures that the browser keeps to itself are `unreachable`. Faults
 * of our own are not in this list.
 */
export const PAGE_CODES = [
  // failures on the way to the relay
  'unreachable',
  'timeout',
  'carrier-lost',
  'bad-grant',
  'wrong-key',
  'frozen',
  'idle',
  // failures of the relay
  'version',
  'full',
  'limited',
  'session-unknown',
  'backend-not-allowed',
  // failures of the chat service
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
  /** When the chat service has answered. `{time}`: how long the answer took. */
  works: string;
  /** When no chat service was asked. `{time}`: how long the relay took to answer. */
  reached: string;
  /** What a person should know about a relay that works all the same. */
  remarks: Record<'limited' | 'version', Failure>;
  /** Stands before the code. */
  failed: string;
  /** The state of a stage, for people who do not see its sign. */
  states: { ok: string; failed: string };
  /** When the script itself fails. */
  broken: string;
  copied: string;
}

/** Stands in the page as JSON. */
export interface CheckPage {
  link: string;
  /** The value of a check's option `backend`. */
  backend: string | null;
  /** A BCP 47 tag, for numbers. */
  language: string;
  words: CheckWords;
  /** In the page's language. A missing code is shown in English. */
  failures: Partial<Record<string, Failure>>;
}

/** The id of the element that holds the JSON. */
export const CHECK_PAGE_ID = 'check-page';
