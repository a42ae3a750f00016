/** Which hub a session lives in: chosen by the key of the hello that opens it, and named by the session's id. */
import { type Bytes, concat } from '../../protocol/bytes.ts';
import type { Admitted } from '../admission/admission.ts';
import type { Config } from '../config.ts';
import { HUBS_MAX } from '../config.ts';
import type { Env } from '../env.ts';
import { random } from '../random.ts';

/** A client that a hub has not heard for so many milliseconds is asked with the next keepalive: an answer is a message to an object, of which
 * twenty are billed as one request. That makes 20 requests a day for a client that says nothing else. */
export const ASK_AFTER = 200_000;

/** Sessions in one hub. With their first windows they take half of what all sessions of an isolate may. */
export const HUB_SESSIONS_MAX = 512;

const RANDOM = 16;

/**
 * The hub for this hello; `undefined` where the session is none of a hub's. Sessions of one that was there before `HUBS` was
 * changed can still be resumed.
 */
export function hubFor(admitted: Admitted, config: Config, namespace: Env['HUB']): HubStub | undefined {
  const number = config.hubs > 0 ? numberFor(admitted, config.hubs) : undefined;
  return namespace && number !== undefined ? hubNumbered(number, config, namespace) : undefined;
}

type Namespace = NonNullable<Env['HUB']>;
export type HubStub = ReturnType<Namespace['get']>;

export function hubNumbered(number: number, { region }: Config, namespace: Namespace): HubStub {
  // An object stays for ever where it was first asked for, so one for another region has another name.
  const name = ['hub', ...(region ? [region] : []), number].join('-');
  return namespace.get(namespace.idFromName(name), region ? { locationHint: region } : {});
}

function numberFor({ handshake, hello }: Admitted, hubs: number): number | undefined {
  // The ephemeral key chooses, so that a replay meets the hub that knows the hello.
  const [high = 0, low = 0] = handshake.clientEphemeral;
  if (hello.kind === 'open') return hello.resumable ? (high * 256 + low) % hubs : undefined;
  return hello.kind === 'resume' ? numberIn(hello.session) : undefined;
}

/** Anybody with a link can send any id, and every name that is asked for makes an object: hence the bound. */
function numberIn(id: Bytes): number | undefined {
  const [number = HUBS_MAX] = id;
  return id.length === 1 + RANDOM && number < HUBS_MAX ? number : undefined;
}

/** A new session's id: the number of its hub, and what makes it unique. */
export function sessionId(name: string | undefined): Bytes {
  const number = Number(name?.split('-').at(-1));
  return concat(Uint8Array.of(number), random(RANDOM));
}
