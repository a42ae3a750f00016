/**
 * Who gets a carrier: the sender of a valid, fresh, new hello. Everybody else is a stranger and is answered as by any
 * website, so nothing here says why.
 */
import { Malformed } from '../protocol/bytes.ts';
import { native } from '../protocol/cipher.ts';
import { PuenteError } from '../protocol/errors.ts';
import { decodeHello, type Hello, readOffer } from '../protocol/hello.ts';
import { HELLO_AGE_MAX } from '../protocol/limits.ts';
import { Responder } from '../protocol/noise.ts';
import type { Config } from './config.ts';

export interface Admitted {
  /** The subprotocol to answer with. */
  token: string;
  handshake: Responder;
  hello: ReturnType<typeof decodeHello>;
}

/** The hello of an upgrade request, opened; `undefined` for a stranger. Whether it is a replay is for `replays.ts`. */
export async function admit(request: Request, config: Config): Promise<Admitted | undefined> {
  if (request.method !== 'GET' || request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') return undefined;
  const offered = readOffer(request.headers.get('Sec-WebSocket-Protocol') ?? '');
  if (!offered) return undefined;
  const handshake = await openHello(config, offered.message);
  const hello = handshake && parseHello(handshake);
  if (!hello || !isFresh(hello.time)) return undefined;
  return { token: offered.token, handshake, hello };
}

type Message = NonNullable<ReturnType<typeof readOffer>>['message'];

async function openHello({ key }: Config, message: Message): Promise<Responder | undefined> {
  try {
    return await Responder.readHello(native, key, message);
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

/** @throws PuenteError `version` for a hello of a kind or version that this relay does not know. */
export function understood(hello: Admitted['hello']): Hello {
  if (hello.kind === 'unknown') throw new PuenteError('version');
  return hello;
}
