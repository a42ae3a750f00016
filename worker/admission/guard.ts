/** What one invite, one source, and clients that never finish opening may take of an isolate, or of a hub. */
import { toBase64url } from '../../protocol/bytes.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import type { Invite } from '../../protocol/permits/invite.ts';
import type { Env } from '../env.ts';
import type { Admitted } from './admission.ts';

/** Sessions of an isolate, or of a hub, whose client has not sent its first record yet: those that wait for their backend,
 * those of clients that never will, and the new ones: a plain session's client speaks ACK_DELAY after its grant, in which an
 * isolate opens two hundred. Three quarters of what a hub holds, so that those who say nothing cannot take it all. */
export const OPENING_MAX = 384;

/** Sources that are over their limit, remembered for a minute each: 4,096 hashes cost less than half a MiB. */
export const SOURCES_MAX = 4096;

/** Ends of sessions that are their client's own doing. */
const FAULTS: ReadonlySet<Code> = new Set<Code>([
  'backend-not-allowed',
  'bad-record',
  'bad-frame',
  'bad-offset',
  'bad-credit',
  'flood',
  'silent',
  'plaintext',
]);

/** Sources that are over their limit, and until when; oldest first. */
const over = new Map<string, number>();

/** The period of the rate limiters in wrangler.toml. */
const MINUTE = 60_000;

export class Guard {
  readonly #sessionsOf = new Map<string, number>();
  #opening = 0;

  /**
   * Runs a new session, from its hello to its end.
   * @throws PuenteError `limited`, `full`, and what `session` throws
   */
  async run(env: Env, admitted: Admitted, session: (place: Place) => Promise<void>): Promise<void> {
    const { source, invite } = admitted;
    await checkRates(env, admitted);
    const place = new Place(this.#enter(invite), () => blame(env, source));
    try {
      await session(place);
    } catch (error) {
      if (error instanceof PuenteError) place.ended(error.code);
      throw error;
    } finally {
      place.begun();
      this.#leave(invite);
      // The platform drops what an invocation has begun and does not wait for.
      await place.counted;
    }
  }

  /** @returns what to call when the client has proven that it knows the keys */
  #enter(invite: Invite | undefined): () => void {
    const open = invite ? this.#openWith(invite) : 0;
    if (invite && invite.sessions > 0 && open >= invite.sessions) throw new PuenteError('limited');
    if (this.#opening >= OPENING_MAX) throw new PuenteError('full');
    if (invite) this.#sessionsOf.set(nameOf(invite), open + 1);
    this.#opening += 1;
    return () => {
      this.#opening -= 1;
    };
  }

  #openWith(invite: Invite): number {
    return this.#sessionsOf.get(nameOf(invite)) ?? 0;
  }

  #leave(invite: Invite | undefined): void {
    if (!invite) return;
    const others = this.#openWith(invite) - 1;
    if (others > 0) this.#sessionsOf.set(nameOf(invite), others);
    else this.#sessionsOf.delete(nameOf(invite));
  }
}

/** What a session tells of itself while it runs. */
export class Place {
  #begin: (() => void) | undefined;
  readonly #blame: () => Promise<void>;
  /** Resolves when what it was blamed for is counted. */
  counted: Promise<void> | undefined;

  constructor(begin: () => void, blame: () => Promise<void>) {
    this.#begin = begin;
    this.#blame = blame;
  }

  /** Its client has sent a record: it knows the keys. */
  begun(): void {
    this.#begin?.();
    this.#begin = undefined;
  }

  /** It has ended with this code; what is its client's own doing is counted against the source. */
  ended(code: Code | undefined): void {
    if (code && FAULTS.has(code)) this.counted = this.#blame();
  }
}

function nameOf({ id }: Invite): string {
  return toBase64url(id);
}

async function checkRates(env: Env, { source, invite, hello }: Admitted): Promise<void> {
  forget();
  const isOver = source !== undefined && over.has(source);
  if (isOver || (invite && !(await allows(env.OPENS, nameOf(invite))))) throw new PuenteError('limited');
  if (hello.kind === 'check' && source && !(await allows(env.CHECKS, source))) throw new PuenteError('limited');
}

async function blame(env: Env, source: string | undefined): Promise<void> {
  if (!source || (await allows(env.FAULTS, source))) return;
  over.delete(source);
  over.set(source, Date.now() + MINUTE);
  forget();
}

/** Those whose minute has passed, and the oldest of too many. */
function forget(): void {
  for (const [oldest, until] of over) {
    if (until > Date.now() && over.size <= SOURCES_MAX) break;
    over.delete(oldest);
  }
}

/** A relay on plain workerd has no limiters; one that fails must not close the relay. */
async function allows(limiter: RateLimit | undefined, key: string): Promise<boolean> {
  try {
    return limiter === undefined || (await limiter.limit({ key })).success;
  } catch {
    return true;
  }
}
