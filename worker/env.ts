import { PuenteError } from '../protocol/errors.ts';
import type { Hub } from './hub.ts';

/** The Worker's variables and secrets, as they come: `config.ts` makes sense of them. */
export interface Env {
  /** Secret: 32 random bytes in base64url, made by `npm run key`. */
  RELAY_KEY?: string;
  /** Which backends clients may reach; see `backends.ts`. Default: `whatsapp`. */
  BACKENDS?: string;
  /** Who may use the relay. Only `open`, so far, which is also the default. */
  ACCESS?: string;
  /** Over how many hubs new sessions are spread, 0 to 32; 0 turns resumption off. Default: 1. */
  HUBS?: string;
  /** Seconds for which a session waits for its next carrier, 10 to 900. Default: 120. */
  RESUME_SECONDS?: string;
  /** The hubs' namespace; without it no session is resumable. */
  HUB?: DurableObjectNamespace<Hub>;
}

/** How a wrong setting is reported: by its name, its problem and a correct value. */
export function invalid(variable: string, problem: string, correct: string): PuenteError {
  return new PuenteError('config-invalid', `${variable} ${problem}. A correct value: ${correct}`);
}
