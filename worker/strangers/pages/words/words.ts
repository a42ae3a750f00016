/** What a relay's page says: one file for each language. */
import type { CheckWords, Failure, PageCode } from '../../../../protocol/check-page.ts';

export interface Words {
  title: string;
  /** What this is, in three sentences. */
  intro: string;
  languages: string;

  link: {
    heading: string;
    /** Before the link. */
    link: string;
    /** Before the address. */
    address: string;
    copyLink: string;
    copyAddress: string;
    /** Instead of the QR code, for those who do not see it. */
    qrTitle: string;
    qr: string;
  };

  check: CheckWords & {
    heading: string;
    /** What it does, where the relay has a backend that can be asked; its name stands after it. */
    asks: string;
    /** The same where it has none. */
    asksRelay: string;
    start: string;
    needsScript: string;
    stages: Record<PageStage, string>;
  };
  /** In English there are none: those of the client are. */
  failures: Record<PageCode, Failure> | undefined;

  use: {
    heading: string;
    /** What a stock app does not do. */
    honest: string;
    speaking: Way;
    /** Where the relay is for WhatsApp; its command is `gateway`. */
    gateway: Way;
    /** Where it is for other apps; its command is `forward`. */
    forward: Way;
  };

  sees: {
    heading: string;
    cannot: { heading: string; items: string[] };
    can: { heading: string; items: string[] };
    /** Where some backend of the relay takes plain text. */
    plain: string;
    note: string;
  };

  counts: { heading: string; period: string; sessions: string; bytes: string; refused: string; about: string };
}

/** A way to use the relay, step by step. */
interface Way {
  heading: string;
  before: string[];
  /** After the command, which follows `before`. */
  after: string[];
  /** What else is to be known. */
  note: string;
}

/** The stages that a browser sees. */
export const PAGE_STAGES = ['hello', 'grant', 'backend', 'answer', 'bulk'] as const;
export type PageStage = (typeof PAGE_STAGES)[number];
