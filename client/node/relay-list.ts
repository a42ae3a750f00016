import { createReadStream } from 'node:fs';
import { text } from 'node:stream/consumers';
import { DISCOVERY_MAX } from '../../protocol/limits.ts';
import { parseRelayList, type RelayList } from '../relays/relay-list.ts';

/**
 * Reads a list of relays from a file: see `parseRelayList`.
 *
 * @param path of the file, in UTF-8
 * @throws PuenteError `link-invalid`; the file system's own error where the file cannot be read
 */
export async function readRelayList(path: string | URL): Promise<RelayList> {
  // A character has up to four bytes. A longer file is too long: read no further.
  return parseRelayList(await text(createReadStream(path, { end: 4 * DISCOVERY_MAX })));
}
