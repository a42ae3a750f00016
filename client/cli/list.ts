/** `--list FILE|URL`: relays that somebody else has listed. */
import { fetchRelayList, type RelayList, readRelayList } from '../node/index.ts';

/**
 * Says on standard error which entries are none.
 * @throws what cannot be read, or is no list
 */
export async function readList(from: string): Promise<RelayList> {
  const list = await (/^https?:\/\//i.test(from) ? fetchRelayList(from) : readRelayList(from));
  for (const { number, error } of list.skipped) process.stderr.write(`${from}, ${number}: ${error.message}\n`);
  return list;
}
