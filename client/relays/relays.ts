/**
 * Several relays to choose from. What is learned about them is kept as long as the object, so use one object for all
 * sockets of an app. Pages with only one relay do not load this file.
 */
import { PuenteError } from '../../protocol/errors.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import { onAbort } from '../../protocol/waiting.ts';
import type { Attempt } from './attempt.ts';
import { ListedRelay } from './listed-relay.ts';
import { Race } from './race.ts';

/**
 * Opens each session through the relay that worked last. When that relay fails or is slow, the others are raced, {@link
 * RACE_GAP} milliseconds apart. A relay that has failed rests for a while, longer after each further failure. A resting
 * relay is tried only when no other is left.
 *
 * A socket that is lost with its relay is lost. The next socket that the app opens goes through another relay.
 *
 * @example
 * const relays = new Relays([link, 'relay.example.net', anotherLink]);
 * const socket = connect('chat.example.org:5223', { relay: relays });
 */
export class Relays {
  readonly #relays: ListedRelay[];

  /**
   * @param addresses links, or bare addresses of open relays, the preferred ones first; each counts once
   * @throws PuenteError `link-invalid` for an entry that is neither, and for an empty list
   */
  constructor(addresses: readonly string[]) {
    const links = new Set(addresses.map((address) => formatLink(parseLink(address))));
    if (links.size === 0) throw new PuenteError('link-invalid', 'list-empty');
    this.#relays = Array.from(links, (link) => new ListedRelay(link));
  }

  /**
   * For sockets: the result of the first attempt that succeeds. The other attempts are given up.
   * @param signal gives up all attempts
   * @throws PuenteError when all relays have failed: the error of the relay that got furthest
   */
  open<T>(attempt: Attempt<T>, signal: AbortSignal): Promise<T | undefined> {
    const inOrder = [...this.#relays].sort(byHealth);
    const rested = inOrder.filter(({ rests }) => !rests);
    const race = new Race(
      attempt,
      rested,
      inOrder.filter((relay) => !rested.includes(relay)),
    );
    onAbort(signal, () => race.stop());
    const [first] = inOrder;
    const goesAlone = first?.workedAt !== undefined || inOrder.length === 1;
    return race.run(goesAlone ? first?.headStart : undefined);
  }
}

/** First the relay that worked last, then relays with fewer failures in a row, then faster ones. */
function byHealth(a: ListedRelay, b: ListedRelay): number {
  const never = Number.MAX_VALUE;
  return (
    (b.workedAt ?? 0) - (a.workedAt ?? 0) ||
    a.failures - b.failures ||
    (a.openingTime ?? never) - (b.openingTime ?? never)
  );
}
