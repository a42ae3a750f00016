/** The relay's settings, made of the Worker's variables and secrets. */
import { type Bytes, fromBase64url } from '../protocol/bytes.ts';
import { native } from '../protocol/cipher.ts';
import { type BackendTable, parseBackends } from './backends.ts';
import { type Env, invalid } from './env.ts';

export interface Config {
  key: { secret: Bytes; publicKey: Bytes };
  backends: BackendTable;
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

async function parseConfig({ RELAY_KEY, BACKENDS = 'whatsapp', ACCESS = 'open' }: Env): Promise<Config> {
  // First, so that a mistyped "invite" can never leave a relay open that was meant to be closed.
  if (ACCESS !== 'open') throw invalid('ACCESS', `is "${ACCESS}", which this version does not know`, 'ACCESS = "open"');
  const backends = parseBackends(BACKENDS);
  const secret = parseKey(RELAY_KEY);
  return { key: { secret, publicKey: await native.publicKey(secret) }, backends };
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
