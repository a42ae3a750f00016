/**
 * A link is what a volunteer shares: `https://host/path/#WORD`. The word has the relay's key, and an invite where the
 * relay is private. The fragment never leaves the device: a browser that opens the link does not send it. A bare
 * address, `host/path` or `https://host/path/`, has no key; an open relay publishes its key.
 */
import { type Bytes, concat, EMPTY } from '../bytes.ts';
import { PuenteError } from '../errors.ts';
import { INVITE_MAX } from '../limits.ts';
import { decodeWord, encodeWord } from './word.ts';

export interface RelayAddress {
  /** The address of the relay's page and of upgrade requests. Ends in `/`; `http:` for loopback only. */
  url: string;
  /** The relay's X25519 public key, 32 bytes; absent in a bare address. */
  key?: Bytes;
  invite?: Bytes;
}

const KEY_LENGTH = 32;

/**
 * @throws PuenteError `link-invalid`, which says what is wrong with the text. The text itself is not repeated: it may
 * hold an invite.
 */
export function parseLink(text: string): RelayAddress {
  const trimmed = text.trim();
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`;
  const url = urlOf(address);
  const path = checkedPath(url);
  return { url: `${url.origin}${path}`, ...(url.hash !== '' && permitsIn(url.hash.slice(1))) };
}

/** `URL.canParse` is missing in browsers of 2023. */
function urlOf(address: string): URL {
  try {
    // Chromium accepts a space in a host.
    return new URL(/ /.test(address) ? '' : address);
  } catch {
    throw new PuenteError('link-invalid', 'not-a-url');
  }
}

/**
 * The path, which ends in `/`. Host and path hold no character that could mean something else in a command.
 * @throws PuenteError `link-invalid`
 */
function checkedPath({ protocol, username, password, host, hostname, pathname, search }: URL): string {
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname)))
    throw new PuenteError('link-invalid', 'not-https');
  const path = pathname.endsWith('/') ? pathname : `${pathname}/`;
  if (username || password || search || !/^\/([\w.~-]+\/)*$/.test(path))
    throw new PuenteError('link-invalid', 'more-than-path');
  // A word without the address before it would be looked up as a name, or sent as a path.
  if (!/^[\w.:[\]-]+$/.test(host) || [hostname, ...path.split('/')].some(isWord))
    throw new PuenteError('link-invalid', 'not-a-url');
  return path;
}

function isWord(text: string): boolean {
  try {
    return permitsIn(text) !== undefined;
  } catch {
    return false;
  }
}

/** Hosts for which `http:` is allowed. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function permitsIn(word: string): Pick<RelayAddress, 'key' | 'invite'> {
  const bytes = decodeWord(word);
  const invite = bytes.slice(KEY_LENGTH);
  if (bytes.length < KEY_LENGTH || invite.length > INVITE_MAX) throw new PuenteError('link-invalid', 'word-mistyped');
  return { key: bytes.slice(0, KEY_LENGTH), ...(invite.length > 0 && { invite }) };
}

/** The inverse of {@link parseLink}. */
export function formatLink({ url, key, invite = EMPTY }: RelayAddress): string {
  return key ? `${url}#${encodeWord(concat(key, invite))}` : url;
}
