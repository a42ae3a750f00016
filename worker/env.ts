import { PuenteError } from '../protocol/errors.ts';
import type { LedgerDay } from './counters/ledger.ts';
import type { Counts } from './counters/tally.ts';

/** The calls that the Worker makes to a hub, beside `fetch`. */
export interface HubCalls extends Rpc.DurableObjectBranded {
  /** Takes the counts of an isolate of the Worker. */
  add(counts: Counts): Promise<void>;
  /** The hub's counts, a row for each day. */
  days(): LedgerDay[];
}

/** The Worker's variables, secrets and bindings, as they come. `config.ts` interprets them. */
export interface Env {
  /** Secret: 32 random bytes in base64url, made by `npm run key`. */
  RELAY_KEY?: string;
  /** Secret: the key before `RELAY_KEY`. Links with the old key still work. */
  OLD_RELAY_KEY?: string;
  /** The last day of the old key, UTC: `2026-12-31`. */
  OLD_KEY_UNTIL?: string;
  /** The backends that clients may reach; see `backends.ts`. Default: `whatsapp`. */
  BACKENDS?: string;
  /** Who may use the relay: `open`, which is the default, or `invite`. */
  ACCESS?: string;
  /** Ids of invites that are no longer good, separated by commas or spaces. */
  REVOKED?: string;
  /** The URL of the site that strangers see at a private relay; see `decoy.ts`. */
  DECOY_URL?: string;
  /** The same kind of site, from a folder. */
  ASSETS?: Fetcher;
  /** The number of hubs over which new sessions are spread, 0 to 32. 0 turns resumption off. Default: 1. */
  HUBS?: string;
  /** The region of the hubs; see `REGIONS`. Default: near the first client. */
  HUB_REGION?: string;
  /** Seconds for which a session waits for its next carrier, 10 to 900. Default: 120. */
  RESUME_SECONDS?: string;
  /** Whether sessions, bytes and refusals are counted, in the hubs: `on`, which is the default, or `off`. */
  COUNTERS?: string;
  /** The hubs' namespace; without it no session is resumable. */
  HUB?: DurableObjectNamespace<HubCalls>;
  /** Counts the faults of each source. */
  FAULTS?: RateLimit;
  /** Counts the checks of each source. */
  CHECKS?: RateLimit;
  /** Counts the sessions that are opened with each invite. */
  OPENS?: RateLimit;
}

/** The error that reports a wrong setting: its name, its problem and a correct value. */
export function invalid(variable: string, problem: string, correct: string): PuenteError {
  return new PuenteError('config-invalid', `${variable} ${problem}. A correct value: ${correct}`);
}
