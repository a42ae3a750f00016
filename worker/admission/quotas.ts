/** How often a holder may knock in a minute, and what it may do wrong. */
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { HELLOS_PER_INVITE_PER_MINUTE, HELLOS_PER_MINUTE } from '../../protocol/limits.ts';
import type { Env } from '../env.ts';
import type { Admitted } from './admission.ts';
import { holderOf, nameOf } from './holders.ts';

/** Also the period of the rate limiters in wrangler.toml. */
const MINUTE = 60_000;

/** Holders whose hellos are counted in one minute; further ones are counted together. Their names take 8 MiB at most. */
const HOLDERS_MAX = 65_536;

/** Sources that are over their limit of faults, remembered for a minute each: 4,096 hashes cost less than half a MiB. */
export const SOURCES_MAX = 4096;

// --- hellos -------------------------------------------------------------------------------------------------------

/** How many hellos of each holder an isolate has let in during this minute. */
export class HelloQuotas {
  #counts = new Map<string, number>();
  #minute = 0;

  /**
   * Counts a hello. `good`: within the quota. `limited`: to be remembered and refused. `stranger`: so many that remembering them
   * would fill the memory, so that they are answered as a stranger's.
   */
  count(admitted: Pick<Admitted, 'invite' | 'source'>): 'good' | 'limited' | 'stranger' {
    const minute = Math.floor(Date.now() / MINUTE);
    if (minute !== this.#minute) this.#counts = new Map();
    this.#minute = minute;
    const { group, member } = holderOf(admitted);
    // Where sources are unknown one of them would use up the quota of all: there the memory of hellos is the only bound.
    const used = Math.max(
      admitted.source ? this.#add(member) / HELLOS_PER_MINUTE : 0,
      admitted.invite ? this.#add(group) / HELLOS_PER_INVITE_PER_MINUTE : 0,
    );
    if (used <= 1) return 'good';
    return used <= 2 ? 'limited' : 'stranger';
  }

  #add(name: string): number {
    const key = this.#counts.has(name) || this.#counts.size < HOLDERS_MAX ? name : '';
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }
}

// --- sessions and faults ------------------------------------------------------------------------------------------

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

/** @throws PuenteError `limited` for a new session of a holder that may not open one now */
export async function checkRates(env: Env, { source, invite, hello }: Admitted): Promise<void> {
  forget();
  const isOver = source !== undefined && over.has(source);
  if (isOver || (invite && !(await allows(env.OPENS, nameOf(invite))))) throw new PuenteError('limited');
  if (hello.kind === 'check' && source && !(await allows(env.CHECKS, source))) throw new PuenteError('limited');
}

/** Counts how a session has ended, where that is its client's own doing. */
export async function blame(env: Env, source: string | undefined, code: Code | undefined): Promise<void> {
  if (!source || !code || !FAULTS.has(code) || (await allows(env.FAULTS, source))) return;
  over.delete(source);
  over.set(source, Date.now() + MINUTE);
  forget();
}

/** Forgets sources whose minute has passed, and the oldest of too many. */
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
