/**
 * Turns for `connect()`. An object may have six connections under way at a time
 * (https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections), so the others wait; each has a place in the
 * hub, which bounds how many. Turns rotate among holders. A backend that is slow to accept holds two at most, and a slow connection gives
 * way to another holder's turn, so that nobody shuts the hub with addresses that do not answer.
 */
import { PuenteError } from '../../protocol/errors.ts';

/** Cloudflare's limit. */
export const CONNECTS_MAX = 6;

/** A backend on the other side of the earth accepts within two round trips of 250 ms. */
export const SLOW_CONNECT = 1000;

/** Connections to one backend that may be slow at a time: then no further one begins. */
export const SLOW_PER_BACKEND_MAX = 2;

interface Turn {
  holder: string;
  backend: string;
  begin(): void;
  /** Ends it, waiting or under way. */
  readonly over: AbortController;
  isSlow: boolean;
}

export class Connects {
  /** In the order in which they began. */
  readonly #underWay = new Set<Turn>();
  /** By holder, the one whose last turn is longest ago first. */
  readonly #waiting = new Map<string, Turn[]>();

  /**
   * Runs `open` when its turn has come.
   * @param holder whose turn it is
   * @param backend its normalised `host:port`
   * @param displaced gives up the turn
   * @throws PuenteError `full` when it had to give way
   */
  async run<T>(
    holder: string,
    backend: string,
    displaced: AbortSignal,
    open: (over: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (displaced.aborted) throw new PuenteError('full');
    const over = new AbortController();
    const end = () => over.abort();
    displaced.addEventListener('abort', end);
    const turn = await this.#turn(holder, backend, over);
    const timer = setTimeout(() => this.#isLate(turn), SLOW_CONNECT);
    try {
      return await open(over.signal);
    } finally {
      clearTimeout(timer);
      displaced.removeEventListener('abort', end);
      this.#underWay.delete(turn);
      this.#next();
    }
  }

  #turn(holder: string, backend: string, over: AbortController): Promise<Turn> {
    return new Promise((resolve, reject) => {
      const turn: Turn = { holder, backend, over, isSlow: false, begin: () => resolve(turn) };
      over.signal.addEventListener('abort', () => {
        this.#drop(turn);
        reject(new PuenteError('full'));
      });
      this.#waiting.set(holder, [...(this.#waiting.get(holder) ?? []), turn]);
      this.#next();
    });
  }

  #isLate(turn: Turn): void {
    turn.isSlow = true;
    this.#next();
  }

  /** Begins what may begin now. */
  #next(): void {
    for (let turn = this.#nextTurn(); turn; turn = this.#nextTurn()) {
      if (this.#underWay.size >= CONNECTS_MAX) return this.#makeRoom(turn);
      this.#drop(turn);
      // To the end of the rotation.
      const others = this.#waiting.get(turn.holder);
      this.#waiting.delete(turn.holder);
      if (others) this.#waiting.set(turn.holder, others);
      this.#underWay.add(turn);
      turn.begin();
    }
  }

  /** Of the holder with the fewest under way; of several, of the one whose last turn is longest ago. */
  #nextTurn(): Turn | undefined {
    let next: Turn | undefined;
    for (const turns of this.#waiting.values()) {
      const turn = turns.find(({ backend }) => this.#slowTo(backend) < SLOW_PER_BACKEND_MAX);
      if (turn && (!next || this.#countOf(turn.holder) < this.#countOf(next.holder))) next = turn;
    }
    return next;
  }

  #slowTo(backend: string): number {
    return [...this.#underWay].filter((turn) => turn.isSlow && turn.backend === backend).length;
  }

  #countOf(holder: string): number {
    return [...this.#underWay].filter((turn) => turn.holder === holder).length;
  }

  /** The oldest slow one of the holder with most under way gives way, unless the next turn's holder would then have as many. */
  #makeRoom({ holder }: Turn): void {
    const underWay = [...this.#underWay];
    // Another is giving way already.
    if (underWay.some(({ over }) => over.signal.aborted)) return;
    const slow = underWay.filter(({ isSlow }) => isSlow);
    const most = Math.max(...slow.map((turn) => this.#countOf(turn.holder)));
    if (most > this.#countOf(holder) + 1) slow.find((turn) => this.#countOf(turn.holder) === most)?.over.abort();
  }

  #drop(turn: Turn): void {
    const others = this.#waiting.get(turn.holder)?.filter((other) => other !== turn) ?? [];
    if (others.length > 0) this.#waiting.set(turn.holder, others);
    else this.#waiting.delete(turn.holder);
  }
}
