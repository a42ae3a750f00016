/** Limits for a minute: how many hellos, sessions and checks a holder may begin, and how many faults it may make. */
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { HELLOS_PER_INVITE_PER_MINUTE, HELLOS_PER_MINUTE } from '../../protocol/limits.ts';
import type { Env } from '../env.ts';
import type { Admitted } from './admission.ts';
import { holderOf, nameOf } from './holders.ts';

/** Also the period of the rate limiters in wrangler.toml. */
const MINUTE = 60_000;

/** Holders with a count of their own in one minute. Further holders share one count. The names take 8 MiB at most. */
const HOLDERS_MAX = 65_536;

/** Sources over their limit of faults, each remembered for a minute. 4,096 hashes take less than half a MiB. */
export const SOURCES_MAX = 4096;

// --- hellos -------------------------------------------------------------------------------------------------------

/** Counts the hellos of each holder that an isolate has let in during this minute. */
export class HelloQuotas {
  #counts = new Map<string, number>();
  #minute = 0;

  /**
   * Counts a hello. `good`: the hello is within the quota. `limited`: remember the hello and refuse it. `stranger`:
   * answer the hello as a stranger's, because to remember so many hellos would fill the memory.
   */
  count(admitted: Pick<Admitted, 'invite' | 'source'>): 'good' | 'limited' | 'stranger' {
    const minute = Math.floor(Date.now() / MINUTE);
    if (minute !== this.#minute) this.#counts = new Map();
    this.#minute = minute;
    const { group, member } = holderOf(admitted);
    // Without a known source, do not count the member: one source would use up the quota of all. In an open
    // relay the memory of hellos is then the only bound.
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

/** Codes of the ends that a session's own client causes. */
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

/** Sources over their limit, each with the time at which that ends; oldest first. */
const over = new Map<string, number>();

/** @throws PuenteError `limited` if the holder may not open a new session now */
export async function checkRates(env: Env, { source, invite, hello }: Admitted): Promise<void> {
  forget();
  const isOver = source !== undefined && over.has(source);
  if (isOver || (invite && !(await allows(env.OPENS, nameOf(invite))))) throw new PuenteError('limited');
  if (hello.kind === 'check' && source && !(await allows(env.CHECKS, source))) throw new PuenteError('limited');
}

/** Counts the end of a session, if the session's own client caused the end. */
export async function blame(env: Env, source: string | undefined, code: Code | undefined): Promise<void> {
  if (!source || !code || !FAULTS.has(code) || (await allows(env.FAULTS, source))) return;
  over.delete(source);
  over.set(source, Date.now() + MINUTE);
  forget();
}

/** Forgets sources whose minute has passed. While there are too many sources, forgets the oldest. */
function forget(): void {
  for (const [oldest, until] of over) {
    if (until > Date.now() && over.size <= SOURCES_MAX) break;
    over.delete(oldest);
  }
}

/** A relay on plain workerd has no limiters: allow. A limiter that fails must not close the relay: allow, too. */
async function allows(limiter: RateLimit | undefined, key: string): Promise<boolean> {
  try {
    return limiter === undefined || (await limiter.limit({ key })).success;
  } catch {
    return true;
  }
}
