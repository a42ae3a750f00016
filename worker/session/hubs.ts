/**
 * Finds the hub of a session. The key of the hello that opens the session chooses the hub. The session's id names the
 * hub.
 */
import { type Bytes, concat } from '../../protocol/bytes.ts';
import type { Admitted } from '../admission/admission.ts';
import type { Config } from '../config.ts';
import { HUBS_MAX } from '../config.ts';
import type { Env } from '../env.ts';
import { random } from '../random.ts';

/**
 * Milliseconds of a client's silence after which the hub asks the client, with the next keepalive. An answer is a
 * message to an object. Twenty messages are billed as one request. So a client that says nothing else costs 20
 * requests a day.
 */
export const ASK_AFTER = 200_000;

/**
 * Sessions in one hub. With their first windows they take half of the memory that all sessions of an isolate may take.
 */
export const HUB_SESSIONS_MAX = 512;

const RANDOM = 16;

/**
 * The hub for this hello; `undefined` if the session does not belong to a hub. After a change of `HUBS`, clients can
 * still resume the sessions of a hub from before the change.
 */
export function hubFor(admitted: Admitted, config: Config, namespace: Env['HUB']): HubStub | undefined {
  const number = config.hubs > 0 ? numberFor(admitted, config.hubs) : undefined;
  return namespace && number !== undefined ? hubNumbered(number, config, namespace) : undefined;
}

type Namespace = NonNullable<Env['HUB']>;
export type HubStub = ReturnType<Namespace['get']>;

export function hubNumbered(number: number, { region }: Config, namespace: Namespace): HubStub {
  // An object stays for ever in the place of its first request, so an object for another region has another name.
  const name = ['hub', ...(region ? [region] : []), number].join('-');
  return namespace.get(namespace.idFromName(name), region ? { locationHint: region } : {});
}

function numberFor({ handshake, hello }: Admitted, hubs: number): number | undefined {
  // The ephemeral key chooses the hub, so that a replay meets the hub that knows the hello.
  const [high = 0, low = 0] = handshake.clientEphemeral;
  if (hello.kind === 'open') return hello.resumable ? (high * 256 + low) % hubs : undefined;
  return hello.kind === 'resume' ? numberIn(hello.session) : undefined;
}

/** Bound the number in an id: anybody with a link can send any id, and each name that is asked for makes an object. */
function numberIn(id: Bytes): number | undefined {
  const [number = HUBS_MAX] = id;
  return id.length === 1 + RANDOM && number < HUBS_MAX ? number : undefined;
}

/** A new session's id: the number of the session's hub, and random bytes that make the id unique. */
export function sessionId(name: string | undefined): Bytes {
  const number = Number(name?.split('-').at(-1));
  return concat(Uint8Array.of(number), random(RANDOM));
}
