/** The relay's settings, read from the Worker's variables and secrets. */
import '../protocol/sentences.ts';
import { type Bytes, fromBase64url, toUtf8 } from '../protocol/bytes.ts';
import { type RelayKey, relayKeyOf } from '../protocol/carrier/noise.ts';
import { INVITE_ID } from '../protocol/limits.ts';
import { inviteKeyOf } from '../protocol/permits/invite.ts';
import { statusKeyOf } from '../protocol/permits/status.ts';
import { tokenKeyOf } from '../protocol/permits/token.ts';
import { type BackendTable, parseBackends } from './admission/backends.ts';
import { cipher } from './cipher.ts';
import { DAY } from './counters/day.ts';
import { type Env, invalid } from './env.ts';

/** Each name that a request asks for makes an object, so the names are few. 32 hubs hold 16,000 sessions. */
export const HUBS_MAX = 32;

/**
 * An outgoing connection keeps an object in memory for 15 minutes
 * (https://developers.cloudflare.com/durable-objects/concepts/durable-object-lifecycle/).
 */
const RESUME_SECONDS_MAX = 900;

export interface Config {
  access: Access;
  keys: Keys<AcceptedKey>;
  backends: BackendTable;
  /** Ids of invites, in base64url. */
  revoked: ReadonlySet<string>;
  /** The number of hubs over which new sessions are spread; 0: no session is resumable. */
  hubs: number;
  /** The region of the hubs; `undefined`: near the first client. */
  region: DurableObjectLocationHint | undefined;
  /** Milliseconds for which a session waits for its next carrier. */
  resumeTime: number;
  /** Whether the hubs count. */
  counters: boolean;
  /** Hashes the addresses of sources. */
  sourceKey: Bytes;
  /**
   * Signs the tokens of a status. Derived from the relay's current key only: the person who has the old key may not be
   * the person who has the relay.
   */
  statusKey: Bytes;
}

export type Access = 'open' | 'invite';

/** Cloudflare's location hints (https://developers.cloudflare.com/durable-objects/reference/data-location/). */
export const REGIONS = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const;

/** A key that checks the token of an offer. */
export interface GateKey {
  secret: Bytes;
  tokenKey: Bytes;
  /** The end of the key, by `Date.now()`. */
  until: number;
}

export interface AcceptedKey extends GateKey, RelayKey {
  /** Signs the invites in links that have this relay key. */
  inviteKey: Bytes;
}

/** The relay's current key, and the old key if there is one. */
type Keys<Key> = readonly [Key, ...Key[]];

/**
 * Every value except `open` closes the relay. So a mistyped `invite` can never leave a relay open, or show that there
 * is a relay.
 */
export function accessOf({ ACCESS = 'open' }: Env): Access {
  return ACCESS === 'open' ? 'open' : 'invite';
}

/** Reads settings once for each environment. Each isolate has one environment. */
function readOnce<Read>(read: (env: Env) => Promise<Read>): typeof read {
  const byEnv = new WeakMap<Env, Promise<Read>>();
  return (env) => {
    const known = byEnv.get(env) ?? read(env);
    byEnv.set(env, known);
    return known;
  };
}

/**
 * The same keys as in `configOf`, in the same order, without the other settings. A wrong token in a new isolate costs
 * no more than these keys.
 * @throws PuenteError `config-invalid`, as `configOf`
 */
export const keysOf = readOnce(parseKeys);

/** @throws PuenteError `config-invalid`, with the variable, the problem and a correct value, but never a secret. */
export const configOf = readOnce(parseConfig);

async function parseConfig(env: Env): Promise<Config> {
  const { ACCESS = 'open', BACKENDS = 'whatsapp', REVOKED = '' } = env;
  if (ACCESS !== accessOf(env)) throw invalid('ACCESS', `is "${ACCESS}"`, 'ACCESS = "open" or ACCESS = "invite"');
  const backends = parseBackends(BACKENDS);
  const revoked = parseRevoked(REVOKED);
  const hubs = parseNumber('HUBS', env.HUBS, 1, 0, HUBS_MAX);
  const region = parseRegion(env.HUB_REGION);
  const resumeTime = parseNumber('RESUME_SECONDS', env.RESUME_SECONDS, 120, 10, RESUME_SECONDS_MAX) * 1000;
  const counters = parseSwitch('COUNTERS', env.COUNTERS);
  const [current, ...old] = await keysOf(env);
  const { secret } = current;
  const keys = [await acceptedKey(current), ...(await Promise.all(old.map(acceptedKey)))] as const;
  const sourceKey = await cipher.hmac(secret, toUtf8('puente/1 sources'));
  const statusKey = await statusKeyOf(cipher, secret);
  return { access: accessOf(env), keys, backends, revoked, hubs, region, resumeTime, counters, sourceKey, statusKey };
}

async function parseKeys(env: Env): Promise<Keys<GateKey>> {
  const current = await gateKey(parseKey('RELAY_KEY', env.RELAY_KEY), Infinity);
  return [current, ...(await oldKey(env))];
}

async function gateKey(secret: Bytes, until: number): Promise<GateKey> {
  return { secret, tokenKey: await tokenKeyOf(cipher, await cipher.publicKey(secret)), until };
}

async function acceptedKey(key: GateKey): Promise<AcceptedKey> {
  const { secret } = key;
  return { ...key, ...(await relayKeyOf(cipher, secret)), inviteKey: await inviteKeyOf(cipher, secret) };
}

async function oldKey({ OLD_RELAY_KEY, OLD_KEY_UNTIL }: Env): Promise<GateKey[]> {
  if (!OLD_RELAY_KEY && !OLD_KEY_UNTIL) return [];
  const secret = parseKey('OLD_RELAY_KEY', OLD_RELAY_KEY);
  const day = /^\d{4}-\d\d-\d\d$/.test(OLD_KEY_UNTIL ?? '') ? Date.parse(`${OLD_KEY_UNTIL}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(day))
    throw invalid('OLD_KEY_UNTIL', `is "${OLD_KEY_UNTIL ?? ''}", not a day`, 'OLD_KEY_UNTIL = "2026-12-31"');
  return [await gateKey(secret, day + DAY)];
}

function parseRevoked(text: string): ReadonlySet<string> {
  const ids = text.split(/[\s,]+/).filter((id) => id !== '');
  const wrong = ids.find((id) => fromBase64url(id)?.length !== INVITE_ID);
  if (wrong !== undefined)
    throw invalid('REVOKED', `has "${wrong}", which is no invite's id`, 'what "npm run invite" printed as the id');
  return new Set(ids);
}

function parseNumber(name: string, text: string | undefined, usual: number, least: number, most: number): number {
  if (text === undefined) return usual;
  const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw invalid(name, `is "${text}", not a whole number from ${least} to ${most}`, `${name} = "${usual}"`);
}

function parseSwitch(name: string, text = 'on'): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw invalid(name, `is "${text}"`, `${name} = "on" or ${name} = "off"`);
}

function parseRegion(text: string | undefined): Config['region'] {
  const region = REGIONS.find((known) => known === text);
  if (text && !region) throw invalid('HUB_REGION', `is "${text}", none of ${REGIONS.join(', ')}`, 'HUB_REGION = "me"');
  return region;
}

function parseKey(name: 'RELAY_KEY' | 'OLD_RELAY_KEY', text: string | undefined): Bytes {
  const correct = `what "npm run key" prints, put with "npx wrangler secret put ${name}"`;
  if (!text) throw invalid(name, 'is not set', correct);
  const secret = fromBase64url(text.trim());
  if (secret?.length !== 32)
    throw invalid(
      name,
      `is not 32 bytes in base64url (it has ${text.trim().length} characters, not 43, or not its alphabet)`,
      correct,
    );
  if (isExample(secret)) throw invalid(name, 'is the key of an example, which everybody knows', correct);
  return secret;
}

/** Keys in documents and tests have equal bytes, or bytes that count up. Random keys never do. */
function isExample(secret: Bytes): boolean {
  const [first = 0, second = 0] = secret;
  return secret.every((byte, index) => byte === ((first + index * (second - first)) & 0xff));
}
