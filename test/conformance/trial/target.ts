/** The relay that is tested, and the backend that it is to reach. */
import { parseLink } from '../codec/link.ts';
import type { OwnBackend } from './own-backend.ts';

/** What is the same for all scenarios against one relay. */
export class Target {
  readonly key: Buffer;
  readonly invite: Buffer;
  readonly address: string;
  /** `host:port` */
  readonly backend: string;
  /** Where this tool is the backend. */
  readonly own: OwnBackend | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(link: string, backend: string, own?: OwnBackend) {
    const { address, key, invite } = parseLink(link);
    [this.address, this.key, this.invite] = [address, key, invite];
    [this.backend, this.own] = [backend, own];
  }

  /** One at a time opens a session: the connection that comes then is its own. */
  inTurn<T>(open: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(open);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}
