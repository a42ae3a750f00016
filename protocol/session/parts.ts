/** What a session is made of, and what it tells those around it. */
import type { RandomBytes } from '../bytes.ts';
import type { Code } from '../errors.ts';
import type { Clock } from '../waiting.ts';
import type { Frame } from './frames.ts';
import type { Liveness } from './liveness.ts';
import type { MemoryBudget } from './window.ts';

/** What a session needs of a carrier. */
export interface FrameSink {
  /** Bytes that may still be sent, on a path that carries only so many: see `Carrier`. Without it, any number. */
  readonly allowance?: number;
  send(frames: Frame[]): void;
  close(): void;
}

export interface SessionEvents {
  /** There is something to `take`, or the end. */
  readable(): void;
  /** There may be `room` again. */
  writable(): void;
  /**
   * The carrier looks dead. The client of a resumable session should open another beside it; this is called again, after twice the
   * time, while that does not help. The relay should drop the carrier: its client does not answer.
   */
  stalled(): void;
  /**
   * The session is over on the wire; called once. Without a code both streams came to their end. What was received
   * can still be taken then, and after `abandon`.
   */
  ended(code?: Code): void;
}

/** What the two ends of a session do differently: `CLIENT_END` and `relayEnd`. */
export interface SessionEnd {
  /** An ACK goes at once when so large a part of a window has moved: one over this. */
  acksPerWindow: number;
  /** The first record on a carrier leaves whether or not there is anything to say. */
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
