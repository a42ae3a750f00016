/** What a session asks of several relays, and what it tells each of them: the words that both sides share. */
import type { Code } from '../../protocol/errors.ts';

/**
 * `online`: there is a carrier that works, for the first time or again. `reconnecting`: it is lost or has stalled, and bytes
 * wait. `resumed`: they go on.
 */
export type Status = 'online' | 'reconnecting' | 'resumed';

/** A relay that a session may be opened through. */
export interface Candidate {
  /** A link or a bare address. */
  readonly address: string;
  /** Is told what becomes of a session that was opened through it: each status, and how it ended. */
  report?(news: Status | Code | undefined): void;
}

/**
 * Tries one relay. Resolves to nothing when `signal` says that it is not wanted any more; it stays bound to the signal.
 * @param isAlone no other relay is tried beside it, so that its hello may carry early data
 */
export type Attempt<T> = (candidate: Candidate, signal: AbortSignal, isAlone: boolean) => Promise<T | undefined>;
