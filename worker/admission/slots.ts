/**
 * Slots for sessions, in an isolate or in a hub, and a fair part of the slots for each holder.
 *
 * A holder may have SHARE times as many slots as are free: most of an empty relay, and little of a full one. This is a
 * dynamic threshold (Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998).
 *
 * If a holder may have no more slots, or no slot is free, another session may give way to the holder's new session.
 * Only a session that is unproven or without a carrier gives way: the oldest such session of the largest holder.
 * Its holder must be larger than the new session's holder by more than one slot. So two clients never displace each
 * other in turn. A proven session on a carrier never gives way.
 */
import { PuenteError } from '../../protocol/errors.ts';
import type { Invite } from '../../protocol/permits/invite.ts';
import { type Holder, holderOf } from './holders.ts';

/** A source that is alone in a hub of 512 gets 355 slots. An app that opens 300 sockets at once gets all 300. */
const SHARE = 3;

/** The number of slots, of `size`, that one source gets while nobody else has any: the result of `#mayHaveMore`. */
export function slotsOfOne(size: number): number {
  return Math.ceil((SHARE ** 2 * size) / (SHARE ** 2 + SHARE + 1));
}

export class Slots {
  readonly #size: number;
  /** Oldest first. */
  readonly #held = new Set<Slot>();
  /** Slots of each group and of each member. */
  readonly #counts = new Map<string, number>();

  /** @param size the number of slots */
  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Takes a slot for a new session. The new session is unproven.
   * @throws PuenteError `limited` if the invite has as many sessions as it may, `full` if there is no slot for it
   */
  take(client: { invite?: Invite; source?: string }): Slot {
    const holder = holderOf(client);
    const { invite } = client;
    if (invite && invite.sessions > 0 && this.#count(holder.group) >= invite.sessions) throw new PuenteError('limited');
    if (!this.#mayHaveMore(holder)) {
      const victim = this.#toGiveWay(holder);
      if (!victim) throw new PuenteError('full');
      victim.leave();
      victim.displaced.abort();
    }
    const slot = new Slot(holder, () => this.#leave(slot));
    this.#held.add(slot);
    this.#add(holder, 1);
    return slot;
  }

  #mayHaveMore({ group, member }: Holder): boolean {
    const part = SHARE * (this.#size - this.#held.size);
    return this.#count(group) < part && this.#count(member) < SHARE * (part - this.#count(group));
  }

  #toGiveWay(holder: Holder): Slot | undefined {
    let victim: Slot | undefined;
    for (const slot of this.#held) {
      const mayGiveWay = !slot.isCarried && this.#excess(slot.holder, holder) > 1;
      if (mayGiveWay && (!victim || this.#rank(slot.holder) > this.#rank(victim.holder))) victim = slot;
    }
    return victim;
  }

  /** By how many slots `one` is larger than `other`. Within one group, compare the members. */
  #excess(one: Holder, other: Holder): number {
    const level = one.group === other.group ? 'member' : 'group';
    return this.#count(one[level]) - this.#count(other[level]);
  }

  /** Orders holders by the slots of their groups, then by their own slots. */
  #rank({ group, member }: Holder): number {
    return this.#count(group) + this.#count(member) / (this.#size + 1);
  }

  #count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  #leave(slot: Slot): void {
    if (this.#held.delete(slot)) this.#add(slot.holder, -1);
  }

  #add({ group, member }: Holder, more: 1 | -1): void {
    for (const name of [group, member]) {
      const count = this.#count(name) + more;
      if (count > 0) this.#counts.set(name, count);
      else this.#counts.delete(name);
    }
  }
}

/** One session's slot, with the state that the session reports while it runs. */
export class Slot {
  readonly holder: Holder;
  /** The session's client has spoken, and has a carrier. */
  isCarried = false;
  /** Aborted when the session has to give way. */
  readonly displaced = new AbortController();
  readonly leave: () => void;

  constructor(holder: Holder, leave: () => void) {
    this.holder = holder;
    this.leave = leave;
  }
}
