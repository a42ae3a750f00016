/** What a session is told, and what it tells. */
import type { Line } from './line.ts';
import type { Offsets } from './outgoing.ts';

/** How a session has ended: complete, by a reset of either end, or lost with its carrier. */
export type End = 'complete' | 'lost' | { reset: string; by: 'us' | 'them' };

export interface SessionEvents {
  data(bytes: Buffer): void;
  /** The peer has finished. */
  fin(): void;
  /** The peer reads no more. */
  stop(): void;
  over(end: End): void;
  /** The carrier has closed too early. */
  lost(): void;
}

export interface Attachment {
  line: Line;
  /** Where the peer stands, by its hello or grant. */
  peer: Offsets;
  /** What may be sent on it. */
  allowance?: number;
  /** Whether a carrier may follow. */
  resumable: boolean;
}
