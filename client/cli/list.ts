/** `--list FILE|URL`: relays that somebody else has listed. */
import { fetchRelayList, type RelayList, readRelayList } from '../node/index.ts';

/**
 * Reads a list, and says on standard error which entries are no relays.
 * @throws when the list cannot be read, or is no list
 */
export async function readList(from: string): Promise<RelayList> {
  const list = await (/^https?:\/\//i.test(from) ? fetchRelayList(from) : readRelayList(from));
  for (const { number, error } of list.skipped) process.stderr.write(`${from}, ${number}: ${error.message}\n`);
  return list;
}
