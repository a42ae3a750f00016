/**
 * The hellos that were let in: each hello is good once. The memory is a hash table with open addressing in one typed
 * array, because a Map of strings takes ten times the memory.
 */
import type { Bytes } from '../../protocol/bytes.ts';
import { HELLO_AGE_MAX, REPLAY_CACHE_MAX } from '../../protocol/limits.ts';

/**
 * Words of each slot. Two hold eight bytes of the ephemeral key. The third holds the second since 1970 from which the
 * hello is stale; 0: the slot is empty.
 */
const WORDS = 3;

/** Slots at first: they take 12 KiB. Every size of the table is a power of two. */
const SLOTS_MIN = 1024;

/**
 * To make room, the relay reads the whole table. The read is worth its cost only if at least this part of the largest
 * number of hellos becomes free.
 */
const ROOM_MIN = 1 / 16;

/** Milliseconds from an attempt to make room that failed to the next attempt. */
const FULL_TIME = 1000;

export class Replays {
  readonly #most: number;
  #slots = new Uint32Array(0);
  #mask = -1;
  /** Slots that are not empty. Some of them hold stale hellos. */
  #used = 0;
  /** By `Date.now()`. */
  #fullUntil = 0;
  /** Secret: otherwise a client could choose keys that all fall into one place. */
  readonly #salt = new Uint32Array(2);

  /** @param most the largest number of hellos to remember */
  constructor(most = REPLAY_CACHE_MAX) {
    this.#most = most;
  }

  /** Whether this hello was let in before. */
  has(ephemeral: Bytes): boolean {
    return this.#used > 0 && this.#slots[this.#slotOf(wordsOf(ephemeral)) + 2] !== 0;
  }

  /**
   * Remembers a hello that is not remembered yet.
   * @param time the time of the hello. The hello is stale one HELLO_AGE_MAX later.
   * @returns whether there was room
   */
  remember(ephemeral: Bytes, time: number): boolean {
    const isFull = this.#used >= this.#most || 2 * (this.#used + 1) > this.#slots.length / WORDS;
    if (isFull && !this.#makeRoom()) return false;
    const words = wordsOf(ephemeral);
    const at = this.#slotOf(words);
    this.#slots.set([...words, Math.ceil((time + HELLO_AGE_MAX) / 1000) + 1], at);
    this.#used += 1;
    return true;
  }

  /** Forgets stale hellos. Moves the others to a new table: they fill a quarter of it, or half of the largest table. */
  #makeRoom(): boolean {
    const now = Date.now();
    if (now < this.#fullUntil) return false;
    const fresh: number[] = [];
    for (let at = 0; at < this.#slots.length; at += WORDS)
      if ((this.#slots[at + 2] as number) > now / 1000) fresh.push(at);
    if (fresh.length > (1 - ROOM_MIN) * this.#most) {
      this.#fullUntil = now + FULL_TIME;
      return false;
    }
    const before = this.#slots;
    if (before.length === 0) crypto.getRandomValues(this.#salt);
    const size = 2 ** Math.ceil(Math.log2(Math.max(SLOTS_MIN, 2 * Math.min(2 * fresh.length, this.#most))));
    this.#slots = new Uint32Array(WORDS * size);
    this.#mask = size - 1;
    this.#used = fresh.length;
    for (const at of fresh) {
      const [high, low, until] = before.subarray(at, at + WORDS) as unknown as [number, number, number];
      this.#slots.set([high, low, until], this.#slotOf([high, low]));
    }
    return true;
  }

  /** The place of this hello in the table, or the empty place where this hello would be. */
  #slotOf([high, low]: readonly [number, number]): number {
    const [one = 0, other = 0] = this.#salt;
    const mixed = Math.imul(high ^ one, 0x9e3779b1) ^ Math.imul(low ^ other, 0x85ebca77);
    for (let slot = mixed ^ (mixed >>> 15); ; slot += 1) {
      const at = WORDS * (slot & this.#mask);
      const isThere = this.#slots[at] === high && this.#slots[at + 1] === low;
      if (isThere || this.#slots[at + 2] === 0) return at;
    }
  }
}

/** The words are random, because they are the beginning of a public key. */
function wordsOf({ buffer, byteOffset }: Bytes): readonly [number, number] {
  const view = new DataView(buffer, byteOffset, 8);
  return [view.getUint32(0), view.getUint32(4)];
}
