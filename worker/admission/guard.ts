/**
 * Guards a new session from its hello to its end. Checks how often the client may open a session, takes a slot, and
 * decides whether the client caused the end.
 */
import { type Code, PuenteError } from '../../protocol/errors.ts';
import type { Env } from '../env.ts';
import type { Admitted } from './admission.ts';
import { blame, checkRates } from './quotas.ts';
import { type Slot, Slots } from './slots.ts';

/** Runs a session. If the session ends on the wire before the run ends, the run calls `ended`. */
type Run = (slot: Slot, ended: (code: Code | undefined) => void) => Promise<void>;

export class Guard {
  readonly #slots: Slots;

  /** @param size the largest number of sessions at a time */
  constructor(size: number) {
    this.#slots = new Slots(size);
  }

  /** @throws PuenteError `limited`, `full`, and every error that `session` throws */
  async run(env: Env, admitted: Admitted, session: Run): Promise<void> {
    await checkRates(env, admitted);
    const slot = this.#slots.take(admitted);
    let counted: Promise<void> | undefined;
    const ended = (code: Code | undefined) => {
      counted ??= blame(env, admitted.source, code);
    };
    try {
      await session(slot, ended);
    } catch (error) {
      if (error instanceof PuenteError) ended(error.code);
      throw error;
    } finally {
      slot.leave();
      // Wait for the count: the platform drops work that an invocation has begun and does not wait for.
      await counted;
    }
  }
}
