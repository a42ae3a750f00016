/**
 * Who gets a carrier: the sender of a valid, fresh hello, in a private relay with a good invite. Everybody else is a
 * stranger and is answered as by any website, so nothing here says why, and the work is the same whatever is wrong.
 * Whether a hello is a replay is for `replays.ts`.
 */
import { type Bytes, fromBase64url, Malformed, toBase64url, toUtf8 } from '../../protocol/bytes.ts';
import { decodeHello, type Hello, readOffer, type UnknownHello } from '../../protocol/carrier/hello.ts';
import { Responder } from '../../protocol/carrier/noise.ts';
import { PuenteError } from '../../protocol/errors.ts';
import { HELLO_AGE_MAX, HELLO_OVERHEAD } from '../../protocol/limits.ts';
import { decodeInvite, type Invite, openInvite } from '../../protocol/permits/invite.ts';
import { cipher } from '../cipher.ts';
import type { AcceptedKey, Config } from '../config.ts';
import { dayOf } from '../counters/day.ts';

export interface Admitted {
  /** The subprotocol to answer with. */
  token: string;
  handshake: Responder;
  hello: Hello | UnknownHello;
  /** In a private relay. */
  invite?: Invite;
  /** Where it comes from, hashed; see `sourceOf`. */
  source?: string;
}

/** What is opened where there is no hello. */
const NO_HELLO = new Uint8Array(HELLO_OVERHEAD + 1);

/** The hello of an upgrade request, opened; `undefined` for a stranger. */
export async function admit(request: Request, config: Config): Promise<Admitted | undefined> {
  const offered = isUpgrade(request) ? readOffer(request.headers.get('Sec-WebSocket-Protocol') ?? '') : undefined;
  const isPrivate = config.access === 'invite';
  // An open relay tells everybody what it is: nothing is hidden by work for nothing.
  if (!offered && !isPrivate) return undefined;
  const source = await sourceOf(request, config);
  const { key, handshake, hello } = await openHello(config, offered?.message ?? NO_HELLO);
  const isStatus = hello?.kind === 'status';
  // In the same place and of the same form, so that no time tells which of them was wrong.
  const signedBy = isStatus ? config.statusKey : key.inviteKey;
  const permit = isPrivate || isStatus ? await goodInvite(signedBy, hello, config) : undefined;
  const isGood = offered && handshake && hello && isFresh(hello.time) && (permit || !(isPrivate || isStatus));
  if (!isGood) return turnAway();
  const invite = isStatus ? undefined : permit;
  return { token: offered.token, handshake, hello, ...(invite && { invite }), ...(source && { source }) };
}

/** The last thing that can be wrong is the proof in a resume, so that work is done for all. */
export async function turnAway(): Promise<undefined> {
  await cipher.hmac(NO_HELLO, NO_HELLO);
  return undefined;
}

function isUpgrade(request: Request): boolean {
  return request.method === 'GET' && request.headers.get('Upgrade')?.toLowerCase() === 'websocket';
}

interface Opened {
  key: AcceptedKey;
  handshake?: Responder | undefined;
  hello?: Admitted['hello'] | undefined;
}

/** Tries every key that is accepted now, whether or not one has opened it already. */
async function openHello({ keys }: Config, message: Bytes): Promise<Opened> {
  let opened: Opened = { key: keys[0] };
  for (const key of keys) {
    if (key.until <= Date.now()) continue;
    const handshake = await Responder.readHello(cipher, key, message).catch(() => undefined);
    if (handshake) opened = { key, handshake, hello: parseHello(handshake) };
  }
  return opened;
}

function parseHello(handshake: Responder): Admitted['hello'] | undefined {
  try {
    return decodeHello(handshake.payload);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function isFresh(time: number): boolean {
  return Math.abs(Date.now() - time) <= HELLO_AGE_MAX;
}

const NO_INVITE = new Uint8Array(1);

async function goodInvite(key: Bytes, hello: Opened['hello'], { revoked }: Config): Promise<Invite | undefined> {
  const invite = await openInvite(cipher, key, hello?.invite ?? NO_INVITE);
  const isGood = invite && invite.expires > Date.now() && !revoked.has(toBase64url(invite.id));
  return isGood ? invite : undefined;
}

/**
 * A name for where a request comes from, without saying where: a hash under a key that changes every day and comes of the
 * relay's. Of an IPv6 address its first half counts, as that is what one household has.
 */
async function sourceOf(request: Request, { sourceKey }: Config): Promise<string | undefined> {
  const address = request.headers.get('CF-Connecting-IP');
  if (!address) return undefined;
  const network = address.includes(':') ? firstHalf(address) : address;
  const day = dayOf(Date.now());
  return toBase64url(await cipher.hmac(sourceKey, toUtf8(`${day} ${network}`)));
}

/** Of an IPv6 address, whose `::` stands for as many zeros as there is room for (RFC 4291 section 2.2). */
function firstHalf(address: string): string {
  const [head = [], tail = []] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  return [...head, ...zeros, ...tail].slice(0, 4).join(':');
}

// --- from the Worker to a hub -------------------------------------------------------------------------------------

const HANDSHAKE = 'Handshake';
const SOURCE = 'Source';

/** The request that hands an admitted client on to a hub. Nothing else of what the client sent goes along. */
export function handOver({ token, handshake, source }: Admitted): Request {
  const headers = new Headers({
    Upgrade: 'websocket',
    'Sec-WebSocket-Protocol': token,
    [HANDSHAKE]: toBase64url(handshake.save()),
  });
  if (source) headers.set(SOURCE, source);
  return new Request('https://hub/', { headers });
}

/** The inverse. Only the Worker can call a hub, so what it has checked is not checked again. */
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
