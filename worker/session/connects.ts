/**
 * Turns for `connect()`. An object may have six connections under way at a time
 * (https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections), so the others wait. Each
 * waiting connection has a slot in the hub, so the slots bound how many wait.
 *
 * Turns rotate among holders. A backend that is slow to accept holds two turns at most. A slow connection gives way to
 * another holder's turn. So nobody can block the hub with addresses that do not answer.
 */
import { PuenteError } from '../../protocol/errors.ts';

/** Cloudflare's limit. */
export const CONNECTS_MAX = 6;

/**
 * Milliseconds after which a connection counts as slow. A backend on the other side of the earth accepts within two
 * round trips of 250 ms.
 */
export const SLOW_CONNECT = 1000;

/** Slow connections to one backend at a time. At this number, no further connection to the backend begins. */
export const SLOW_PER_BACKEND_MAX = 2;

interface Turn {
  holder: string;
  backend: string;
  begin(): void;
  /** Ends the turn, waiting or under way. */
  readonly over: AbortController;
  isSlow: boolean;
}

export class Connects {
  /** The turns under way, in the order in which they began. */
  readonly #underWay = new Set<Turn>();
  /** The waiting turns by holder. The holder whose last turn is longest ago comes first. */
  readonly #waiting = new Map<string, Turn[]>();

  /**
   * Runs `open` when its turn has come.
   * @param holder the holder of the turn
   * @param backend the backend's normalised `host:port`
   * @param displaced gives up the turn when aborted
   * @throws PuenteError `full` when the turn had to give way
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

  /** Begins the turns that may begin now. */
  #next(): void {
    for (let turn = this.#nextTurn(); turn; turn = this.#nextTurn()) {
      if (this.#underWay.size >= CONNECTS_MAX) return this.#makeRoom(turn);
      this.#drop(turn);
      // Move the holder to the end of the rotation.
      const others = this.#waiting.get(turn.holder);
      this.#waiting.delete(turn.holder);
      if (others) this.#waiting.set(turn.holder, others);
      this.#underWay.add(turn);
      turn.begin();
    }
  }

  /**
   * The next turn belongs to the holder with the fewest turns under way. Of several such holders, take the one whose
   * last turn is longest ago.
   */
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

  /**
   * Ends the oldest slow turn of the holder with the most turns under way. Does nothing if the next turn's holder would
   * then have as many turns.
   */
  #makeRoom({ holder }: Turn): void {
    const underWay = [...this.#underWay];
    // Another turn is giving way already.
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
