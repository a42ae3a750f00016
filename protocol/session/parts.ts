/** The parts of a session, and the events that it reports. */
import type { RandomBytes } from '../bytes.ts';
import type { Code } from '../errors.ts';
import type { Clock } from '../waiting.ts';
import type { Frame } from './frames.ts';
import type { Liveness } from './liveness.ts';
import type { MemoryBudget } from './window.ts';

/** What a session needs from a carrier. */
export interface FrameSink {
  /**
   * Bytes that may still be sent, on a path that limits how much a connection carries: see `Carrier`. If absent, any
   * number.
   */
  readonly allowance?: number;
  send(frames: Frame[]): void;
  close(): void;
}

export interface SessionEvents {
  /** There are bytes to `take`, or the stream has ended. */
  readable(): void;
  /** There may be `room` again. */
  writable(): void;
  /**
   * The carrier looks dead. The client of a resumable session should open another carrier beside it. This is called
   * again after twice the time, while the stall lasts. The relay should drop the carrier: its client does not answer.
   */
  stalled(): void;
  /**
   * The session is over on the wire; called once. If there is no code, both streams came to their ends. Received bytes
   * can still be taken in that case, and after `abandon`.
   */
  ended(code?: Code): void;
}

/** How the two ends of a session differ: `CLIENT_END` and `relayEnd`. */
export interface SessionEnd {
  /** An ACK goes at once when a large part of a window has moved: one window divided by this number. */
  acksPerWindow: number;
  /** The first record on a carrier leaves even when there is nothing to say. */
  speaksFirst: boolean;
  liveness(random: RandomBytes, now: number): Liveness;
}

export interface SessionParts {
  end: SessionEnd;
  clock: Clock;
  /** For padding, times, and the ids of PINGs. */
  random: RandomBytes;
  budget: MemoryBudget;
  events: SessionEvents;
}
