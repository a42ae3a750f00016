import { PuenteError } from '../protocol/errors.ts';
import type { LedgerDay } from './counters/ledger.ts';
import type { Counts } from './counters/tally.ts';

/** What the Worker calls at a hub, beside `fetch`. */
export interface HubCalls extends Rpc.DurableObjectBranded {
  /** Takes what an isolate of the Worker has counted. */
  add(counts: Counts): Promise<void>;
  /** What the hub has counted, a row for each day. */
  days(): LedgerDay[];
}

/** The Worker's variables, secrets and bindings, as they come: `config.ts` makes sense of them. */
export interface Env {
  /** Secret: 32 random bytes in base64url, made by `npm run key`. */
  RELAY_KEY?: string;
  /** Secret: the key before it, whose links still work. */
  OLD_RELAY_KEY?: string;
  /** The last day of the old key, UTC: `2026-12-31`. */
  OLD_KEY_UNTIL?: string;
  /** Which backends clients may reach; see `backends.ts`. Default: `whatsapp`. */
  BACKENDS?: string;
  /** Who may use the relay: `open`, which is the default, or `invite`. */
  ACCESS?: string;
  /** Ids of invites that are good no more, separated by commas or spaces. */
  REVOKED?: string;
  /** The site that a private relay is to strangers; see `decoy.ts`. */
  DECOY_URL?: string;
  /** The same from a folder. */
  ASSETS?: Fetcher;
  /** Over how many hubs new sessions are spread, 0 to 32; 0 turns resumption off. Default: 1. */
  HUBS?: string;
  /** Near whom the hubs are to be: see `REGIONS`. Default: near who comes first. */
  HUB_REGION?: string;
  /** Seconds for which a session waits for its next carrier, 10 to 900. Default: 120. */
  RESUME_SECONDS?: string;
  /** Whether sessions, bytes and refusals are counted, in the hubs: `on`, which is the default, or `off`. */
  COUNTERS?: string;
  /** The hubs' namespace; without it no session is resumable. */
  HUB?: DurableObjectNamespace<HubCalls>;
  /** Counts what sources do wrong. */
  FAULTS?: RateLimit;
  /** Counts the checks of each source. */
  CHECKS?: RateLimit;
  /** Counts the sessions that are opened with each invite. */
  OPENS?: RateLimit;
}

/** How a wrong setting is reported: by its name, its problem and a correct value. */
export function invalid(variable: string, problem: string, correct: string): PuenteError {
  return new PuenteError('config-invalid', `${variable} ${problem}. A correct value: ${correct}`);
}
