/** A new session from its hello to its end: how often its client may open one, its place, and whose doing its end was. */
import { type Code, PuenteError } from '../../protocol/errors.ts';
import type { Env } from '../env.ts';
import type { Admitted } from './admission.ts';
import { type Place, Places } from './places.ts';
import { blame, checkRates } from './quotas.ts';

/** Runs a session; `ended` is told of its end on the wire, where that comes before its own. */
type Run = (place: Place, ended: (code: Code | undefined) => void) => Promise<void>;

export class Guard {
  readonly #places: Places;

  /** @param size how many sessions there may be at a time */
  constructor(size: number) {
    this.#places = new Places(size);
  }

  /** @throws PuenteError `limited`, `full`, and what `session` throws */
  async run(env: Env, admitted: Admitted, session: Run): Promise<void> {
    await checkRates(env, admitted);
    const place = this.#places.take(admitted);
    let counted: Promise<void> | undefined;
    const ended = (code: Code | undefined) => {
      counted ??= blame(env, admitted.source, code);
    };
    try {
      await session(place, ended);
    } catch (error) {
      if (error instanceof PuenteError) ended(error.code);
      throw error;
    } finally {
      place.leave();
      // The platform drops what an invocation has begun and does not wait for.
      await counted;
    }
  }
}
