/**
 * Turns for `connect()`: a Worker may have six connections under way at a time
 * (https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections), and one backend that does
 * not answer must not take them all.
 */
import { PuenteError } from '../../protocol/errors.ts';

/** Connections to backends that one object may have under way: Cloudflare's limit is six. Two to each, so that one
 * backend that does not answer leaves room for others. */
export const CONNECTS_MAX = 6;
export const CONNECTS_PER_BACKEND_MAX = 2;

/** Sessions that wait for such a turn. The last of them waits for a minute at most, its client for 20 s. */
export const CONNECTS_WAITING_MAX = 64;

interface Turn {
  backend: string;
  begin: () => void;
}

export class Connects {
  /** The backends of those that are under way. */
  readonly #underWay: string[] = [];
  #waiting: Turn[] = [];

  /** Those that are under way, and those that wait. */
  get pending(): number {
    return this.#underWay.length + this.#waiting.length;
  }

  /**
   * Runs `open` when its turn has come.
   * @throws PuenteError `full` when it would have to wait and too many do already
   */
  async run<T>(backend: string, open: () => Promise<T>): Promise<T> {
    await new Promise<void>((begin, refuse) => {
      const turn = { backend, begin };
      if (this.#begins(turn)) return;
      if (this.#waiting.length >= CONNECTS_WAITING_MAX) refuse(new PuenteError('full'));
      else this.#waiting.push(turn);
    });
    try {
      return await open();
    } finally {
      this.#underWay.splice(this.#underWay.indexOf(backend), 1);
      this.#waiting = this.#waiting.filter((turn) => !this.#begins(turn));
    }
  }

  #begins({ backend, begin }: Turn): boolean {
    const toThis = this.#underWay.filter((other) => other === backend).length;
    if (this.#underWay.length >= CONNECTS_MAX || toThis >= CONNECTS_PER_BACKEND_MAX) return false;
    this.#underWay.push(backend);
    begin();
    return true;
  }
}
