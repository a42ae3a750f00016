/** Finds the relay for the text that a person pastes. A link has everything; a bare address is asked for its key. */
import { type Bytes, fromBase64url } from '../../protocol/bytes.ts';
import { PuenteError } from '../../protocol/errors.ts';
import { parseLink } from '../../protocol/permits/link.ts';
import { fetchText } from './fetch-text.ts';

export interface Relay {
  /** Ends in `/`. */
  url: string;
  key: Bytes;
  invite?: Bytes;
}

/** Keys of bare addresses, as this process first saw them: a relay cannot change its key under a running client. */
const published = new Map<string, Promise<Bytes>>();

/**
 * The relay of a link, or of a bare address, whose key is fetched first.
 * @throws PuenteError `link-invalid`, `unreachable`, `no-key`
 */
export async function findRelay(address: string): Promise<Relay> {
  const { key, ...rest } = parseLink(address);
  return { ...rest, key: key ?? (await publishedKey(rest.url)) };
}

function publishedKey(url: string): Promise<Bytes> {
  let key = published.get(url);
  if (!key) {
    key = fetchKey(url);
    published.set(url, key);
    key.catch(() => published.delete(url));
  }
  return key;
}

async function fetchKey(url: string): Promise<Bytes> {
  const key = parseKey(await fetchText(`${url}.well-known/puente`));
  if (!key) throw new PuenteError('no-key');
  return key;
}

function parseKey(text: string): Bytes | undefined {
  try {
    const { key } = JSON.parse(text) as { key?: unknown };
    const bytes = fromBase64url(String(key));
    return bytes?.length === 32 ? bytes : undefined;
  } catch {
    return undefined;
  }
}
