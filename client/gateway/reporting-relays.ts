import type { Attempt } from '../relays/attempt.ts';
import { Relays } from '../relays/relays.ts';

/** Relays that tell through which relay a session was opened, or has gone on. */
export class ReportingRelays extends Relays {
  readonly #tell: (host: string) => void;

  /**
   * @param addresses links, or bare addresses of open relays
   * @param tell called with the relay's host; the rest of a link is a secret
   * @throws PuenteError `link-invalid`
   */
  constructor(addresses: readonly string[], tell: (host: string) => void) {
    super(addresses);
    this.#tell = tell;
  }

  override open<T>(attempt: Attempt<T>, signal: AbortSignal): Promise<T | undefined> {
    const reporting: Attempt<T> = (candidate, ...rest) => {
      const { address } = candidate;
      const report: typeof candidate.report = (news) => {
        candidate.report?.(news);
        if (news === 'online') this.#tell(new URL(address).host);
      };
      return attempt({ address, report }, ...rest);
    };
    return super.open(reporting, signal);
  }
}
