/** The ephemeral keys of hellos that were let in: each is good once. */
import { toBase64url } from '../../protocol/bytes.ts';
import type { Responder } from '../../protocol/carrier/noise.ts';
import { HELLO_AGE_MAX, REPLAY_CACHE_MAX } from '../../protocol/limits.ts';

export class Replays {
  /** Keys, and when they came; in that order. */
  readonly #seen = new Map<string, number>();

  /** Whether this hello was not let in before. Exact: a full cache refuses rather than forget. */
  isNew({ clientEphemeral }: Responder): boolean {
    const now = Date.now();
    for (const [key, at] of this.#seen) {
      // A hello may be dated ahead by one HELLO_AGE_MAX and is stale one after its date.
      if (now - at <= 2 * HELLO_AGE_MAX) break;
      this.#seen.delete(key);
    }
    const key = toBase64url(clientEphemeral);
    if (this.#seen.has(key) || this.#seen.size >= REPLAY_CACHE_MAX) return false;
    this.#seen.set(key, now);
    return true;
  }
}
