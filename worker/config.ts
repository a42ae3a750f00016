/** The relay's settings, made of the Worker's variables and secrets. */
import '../protocol/sentences.ts';
import { type Bytes, fromBase64url } from '../protocol/bytes.ts';
import { native } from '../protocol/cipher.ts';
import { HUBS_MAX, RESUME_SECONDS_MAX } from '../protocol/limits.ts';
import { type RelayKey, relayKeyOf } from '../protocol/noise.ts';
import { type BackendTable, parseBackends } from './backends.ts';
import { type Env, invalid } from './env.ts';

export interface Config {
  key: RelayKey;
  backends: BackendTable;
  /** How many hubs new sessions are spread over; 0: no session is resumable. */
  hubs: number;
  /** Milliseconds for which a session waits for its next carrier. */
  resumeTime: number;
}

const byEnv = new WeakMap<Env, Promise<Config>>();

/** @throws PuenteError `config-invalid`, naming the variable, the problem and a correct value; never a secret. */
export function configOf(env: Env): Promise<Config> {
  let config = byEnv.get(env);
  if (!config) {
    config = parseConfig(env);
    byEnv.set(env, config);
  }
  return config;
}

async function parseConfig(env: Env): Promise<Config> {
  const { RELAY_KEY, BACKENDS = 'whatsapp', ACCESS = 'open' } = env;
  // First, so that a mistyped "invite" can never leave a relay open that was meant to be closed.
  if (ACCESS !== 'open') throw invalid('ACCESS', `is "${ACCESS}", which this version does not know`, 'ACCESS = "open"');
  const backends = parseBackends(BACKENDS);
  const hubs = parseNumber('HUBS', env.HUBS, 1, 0, HUBS_MAX);
  const resumeTime = parseNumber('RESUME_SECONDS', env.RESUME_SECONDS, 120, 10, RESUME_SECONDS_MAX) * 1000;
  return { key: await relayKeyOf(native, parseKey(RELAY_KEY)), backends, hubs, resumeTime };
}

function parseNumber(name: string, text: string | undefined, usual: number, least: number, most: number): number {
  if (text === undefined) return usual;
  const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw invalid(name, `is "${text}", not a whole number from ${least} to ${most}`, `${name} = "${usual}"`);
}

function parseKey(text: string | undefined): Bytes {
  const correct = 'what "npm run key" prints, put with "npx wrangler secret put RELAY_KEY"';
  if (!text) throw invalid('RELAY_KEY', 'is not set', correct);
  const secret = fromBase64url(text.trim());
  if (secret?.length !== 32)
    throw invalid(
      'RELAY_KEY',
      `is not 32 bytes in base64url (it has ${text.trim().length} characters, not 43, or not its alphabet)`,
      correct,
    );
  return secret;
}
