/** What a session asks of several relays, and what it reports to each of them: the types that both sides share. */
import type { Code } from '../../protocol/errors.ts';

/**
 * `online`: a carrier works, for the first time or again. `reconnecting`: the carrier is lost or has stalled, and bytes
 * wait. `resumed`: the bytes go on.
 */
export type Status = 'online' | 'reconnecting' | 'resumed';

/** A relay that a session may be opened through. */
export interface Candidate {
  /** A link or a bare address. */
  readonly address: string;
  /** Called with the news of a session that was opened through this relay: each status, and how the session ended. */
  report?(news: Status | Code | undefined): void;
}

/**
 * Tries one relay. Resolves to `undefined` when `signal` says that the attempt is not wanted any more. The result stays
 * bound to the signal.
 * @param isAlone no other relay is tried at the same time, so the hello may carry early data
 */
export type Attempt<T> = (candidate: Candidate, signal: AbortSignal, isAlone: boolean) => Promise<T | undefined>;
