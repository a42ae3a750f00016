/**
 * Decides who gets a carrier: the sender of a valid, fresh hello. A private relay also needs a good invite.
 * Everybody else is a stranger. A stranger gets the answer of an ordinary website, so this file never gives a reason.
 *
 * The token is checked first. A request without a well-formed offer costs nothing. A wrong token costs one hash.
 * The checks after the token cost more. Only two kinds of sender reach these checks. One has a link. The other has
 * seen, inside TLS, the hello of a person with a link.
 */
import { type Bytes, fromBase64url, Malformed, toBase64url, toUtf8 } from '../../protocol/bytes.ts';
import { decodeHello, type Hello, type Offer, readOffer, type UnknownHello } from '../../protocol/carrier/hello.ts';
import { Responder } from '../../protocol/carrier/noise.ts';
import { PuenteError } from '../../protocol/errors.ts';
import { HELLO_AGE_MAX } from '../../protocol/limits.ts';
import { decodeInvite, type Invite, openInvite } from '../../protocol/permits/invite.ts';
import { isToken } from '../../protocol/permits/token.ts';
import { cipher } from '../cipher.ts';
import { type AcceptedKey, type Config, configOf, keysOf } from '../config.ts';
import { dayOf } from '../counters/day.ts';
import type { Env } from '../env.ts';

export interface Admitted {
  /** The subprotocol to answer with. */
  token: string;
  handshake: Responder;
  hello: Hello | UnknownHello;
  /** Present only in a private relay. */
  invite?: Invite;
  /** The source of the request, hashed; see `sourceOf`. */
  source?: string;
}

/** Opens the hello of an upgrade request. Returns `undefined` for a stranger. `replays.ts` looks for replays. */
export async function admit(request: Request, env: Env): Promise<Admitted | undefined> {
  const offer = offerOf(request);
  if (!offer) return undefined;
  const at = await keyFor(offer, env);
  if (at === undefined) return undefined;
  const config = await configOf(env);
  const key = config.keys[at] as AcceptedKey;
  const handshake = await openHello(key, offer);
  const hello = handshake && parseHello(handshake);
  if (!hello || Math.abs(Date.now() - hello.time) > HELLO_AGE_MAX) return undefined;
  const isStatus = hello.kind === 'status';
  const needsPermit = isStatus || config.access === 'invite';
  const permit = needsPermit
    ? await goodPermit(isStatus ? config.statusKey : key.inviteKey, hello.invite, config)
    : undefined;
  if (needsPermit && !permit) return undefined;
  const source = await sourceOf(request, config);
  return {
    token: offer.token,
    handshake,
    hello,
    ...(permit && !isStatus && { invite: permit }),
    ...(source && { source }),
  };
}

function isUpgrade({ method, headers }: Request): boolean {
  return method === 'GET' && headers.get('Upgrade')?.toLowerCase() === 'websocket';
}

function offerOf(request: Request): Offer | undefined {
  return isUpgrade(request) ? readOffer(request.headers.get('Sec-WebSocket-Protocol') ?? '') : undefined;
}

/** The index of the accepted key that the token was made for. */
async function keyFor(offer: Offer, env: Env): Promise<number | undefined> {
  let found: number | undefined;
  for (const [at, { tokenKey, until }] of (await keysOf(env)).entries())
    if (until > Date.now() && (await isToken(cipher, tokenKey, offer))) found = at;
  return found;
}

async function openHello(key: AcceptedKey, { hello }: Offer): Promise<Responder | undefined> {
  const message = fromBase64url(hello);
  return message && Responder.readHello(cipher, key, message).catch(() => undefined);
}

function parseHello(handshake: Responder): Admitted['hello'] | undefined {
  try {
    return decodeHello(handshake.payload);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

/** Opens an invite, or the token of a status, which has the form of an invite. */
async function goodPermit(key: Bytes, signed: Bytes, { revoked }: Config): Promise<Invite | undefined> {
  const invite = await openInvite(cipher, key, signed);
  const isGood = invite && invite.expires > Date.now() && !revoked.has(toBase64url(invite.id));
  return isGood ? invite : undefined;
}

/**
 * Names the source of a request without its address: a hash under a key that is derived from the relay's key. The hash
 * changes every day. Only the first half of an IPv6 address counts, because one household has one such half.
 * (A provider may give a customer 65,536 halves: docs/security.md says what follows for open relays.)
 */
async function sourceOf(request: Request, { sourceKey }: Config): Promise<string | undefined> {
  const address = request.headers.get('CF-Connecting-IP');
  if (!address) return undefined;
  const network = address.includes(':') ? firstHalf(address) : address;
  const day = dayOf(Date.now());
  return toBase64url(await cipher.hmac(sourceKey, toUtf8(`${day} ${network}`)));
}

/** The first half of an IPv6 address. `::` stands for all the zeros that are missing (RFC 4291 section 2.2). */
function firstHalf(address: string): string {
  const [head = [], tail = []] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  return [...head, ...zeros, ...tail].slice(0, 4).join(':');
}

// --- from the Worker to a hub -------------------------------------------------------------------------------------

const HANDSHAKE = 'Handshake';
const SOURCE = 'Source';

/** The request that hands an admitted client over to a hub. The hub gets nothing else that the client sent. */
export function handOver({ token, handshake, source }: Admitted): Request {
  const headers = new Headers({
    Upgrade: 'websocket',
    'Sec-WebSocket-Protocol': token,
    [HANDSHAKE]: toBase64url(handshake.save()),
  });
  if (source) headers.set(SOURCE, source);
  return new Request('https://hub/', { headers });
}

/** The inverse of `handOver`. Only the Worker can call a hub, so the hub does not repeat the Worker's checks. */
export function handedOver(request: Request, { access }: Config): Admitted {
  const of = (name: string) => request.headers.get(name) ?? '';
  const handshake = Responder.restore(cipher, fromBase64url(of(HANDSHAKE)) as Bytes);
  const hello = decodeHello(handshake.payload);
  const invite = access === 'invite' ? decodeInvite(hello.invite) : undefined;
  const source = of(SOURCE);
  return {
    token: of('Sec-WebSocket-Protocol'),
    handshake,
    hello,
    ...(invite && { invite }),
    ...(source && { source }),
  };
}

/** @throws PuenteError `version` for a hello of a kind or version that this relay does not know. */
export function understood(hello: Admitted['hello']): Hello {
  if (hello.kind === 'unknown') throw new PuenteError('version');
  return hello;
}
