/**
 * Places for sessions, in an isolate or in a hub, and a fair part of them for each holder.
 *
 * A holder may have SHARE times as many places as are free: most of an empty relay, and little of a full one (a dynamic threshold, Choudhury
 * and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998). Where it may have no more, or none is free, a session gives way that is
 * unproven or without a carrier, the oldest of the largest holder, and only to a holder that is smaller by more than the one place: so
 * two clients never displace each other in turn. A session on a carrier never gives way.
 */
import { PuenteError } from '../../protocol/errors.ts';
import type { Invite } from '../../protocol/permits/invite.ts';
import { type Holder, holderOf } from './holders.ts';

/** Alone in a hub of 512 one source gets 354 places: an app that opens 300 sockets at once gets them all. */
const SHARE = 3;

/** Of `size` places, those that one source may have while nobody else has any: what `#mayHaveMore` comes to. */
export function placesOfOne(size: number): number {
  return Math.ceil((SHARE ** 2 * size) / (SHARE ** 2 + SHARE + 1));
}

export class Places {
  readonly #size: number;
  /** Oldest first. */
  readonly #held = new Set<Place>();
  /** Places of each group and of each member. */
  readonly #counts = new Map<string, number>();

  /** @param size how many there are */
  constructor(size: number) {
    this.#size = size;
  }

  /**
   * A place for a new session, which is unproven.
   * @throws PuenteError `limited` when the invite has as many sessions as it may, `full` when there is no place for it
   */
  take(client: { invite?: Invite; source?: string }): Place {
    const holder = holderOf(client);
    const { invite } = client;
    if (invite && invite.sessions > 0 && this.#count(holder.group) >= invite.sessions) throw new PuenteError('limited');
    if (!this.#mayHaveMore(holder)) {
      const victim = this.#toGiveWay(holder);
      if (!victim) throw new PuenteError('full');
      victim.leave();
      victim.displaced.abort();
    }
    const place = new Place(holder, () => this.#leave(place));
    this.#held.add(place);
    this.#add(holder, 1);
    return place;
  }

  #mayHaveMore({ group, member }: Holder): boolean {
    const part = SHARE * (this.#size - this.#held.size);
    return this.#count(group) < part && this.#count(member) < SHARE * (part - this.#count(group));
  }

  #toGiveWay(holder: Holder): Place | undefined {
    let victim: Place | undefined;
    for (const place of this.#held) {
      const mayGiveWay = !place.isCarried && this.#excess(place.holder, holder) > 1;
      if (mayGiveWay && (!victim || this.#rank(place.holder) > this.#rank(victim.holder))) victim = place;
    }
    return victim;
  }

  /** By how many places the one is larger than the other; of members within one group. */
  #excess(one: Holder, other: Holder): number {
    const level = one.group === other.group ? 'member' : 'group';
    return this.#count(one[level]) - this.#count(other[level]);
  }

  /** Orders holders by their groups' places, then by their own. */
  #rank({ group, member }: Holder): number {
    return this.#count(group) + this.#count(member) / (this.#size + 1);
  }

  #count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  #leave(place: Place): void {
    if (this.#held.delete(place)) this.#add(place.holder, -1);
  }

  #add({ group, member }: Holder, more: 1 | -1): void {
    for (const name of [group, member]) {
      const count = this.#count(name) + more;
      if (count > 0) this.#counts.set(name, count);
      else this.#counts.delete(name);
    }
  }
}

/** What a session tells of itself while it runs. */
export class Place {
  readonly holder: Holder;
  /** Its client has spoken, and has a carrier. */
  isCarried = false;
  /** Aborted when the session has to give way. */
  readonly displaced = new AbortController();
  readonly leave: () => void;

  constructor(holder: Holder, leave: () => void) {
    this.holder = holder;
    this.leave = leave;
  }
}
