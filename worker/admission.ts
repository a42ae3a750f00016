/**
 * Who gets a carrier: the sender of a valid, fresh, new hello. Everybody else is a stranger and is answered as by any
 * website, so nothing here says why.
 */
import { Malformed, toBase64url } from '../protocol/bytes.ts';
import { native } from '../protocol/cipher.ts';
import { decodeHello, readOffer } from '../protocol/hello.ts';
import { HELLO_AGE_MAX, REPLAY_CACHE_MAX } from '../protocol/limits.ts';
import { PROLOGUE, Responder } from '../protocol/noise.ts';
import type { Config } from './config.ts';

export interface Admitted {
  /** The subprotocol to answer with. */
  token: string;
  handshake: Responder;
  hello: ReturnType<typeof decodeHello>;
}

/** The hello of an upgrade request, opened; `undefined` for a stranger. */
export async function admit(request: Request, config: Config): Promise<Admitted | undefined> {
  if (request.method !== 'GET' || request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') return undefined;
  const offered = readOffer(request.headers.get('Sec-WebSocket-Protocol') ?? '');
  if (!offered) return undefined;
  const handshake = await openHello(config, offered.message);
  const hello = handshake && parseHello(handshake);
  if (!hello || !isFresh(hello.time) || !isNew(handshake)) return undefined;
  return { token: offered.token, handshake, hello };
}

type Message = NonNullable<ReturnType<typeof readOffer>>['message'];

async function openHello({ key }: Config, message: Message): Promise<Responder | undefined> {
  try {
    return await Responder.readHello(native, PROLOGUE, key, message);
  } catch {
    return undefined; // not made for this key
  }
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

/** Ephemeral keys seen, and when; in the order in which they came. */
const seen = new Map<string, number>();

/** Each hello is good once, in this isolate. Exact: a full cache refuses rather than forget. */
function isNew({ clientEphemeral }: Responder): boolean {
  const now = Date.now();
  for (const [key, at] of seen) {
    // A hello may be dated ahead by one HELLO_AGE_MAX and is stale one after its date.
    if (now - at <= 2 * HELLO_AGE_MAX) break;
    seen.delete(key);
  }
  const key = toBase64url(clientEphemeral);
  if (seen.has(key) || seen.size >= REPLAY_CACHE_MAX) return false;
  seen.set(key, now);
  return true;
}
