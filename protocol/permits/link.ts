/**
 * A link is what a volunteer shares: `https://host/#k=KEY&i=INVITE`. The fragment never leaves the device: a browser
 * that opens the link sends neither to anyone. A bare address, `host` or `https://host`, has no key; an open relay
 * publishes it.
 */
import { type Bytes, fromBase64url, toBase64url } from '../bytes.ts';
import { PuenteError } from '../errors.ts';
import { INVITE_MAX } from '../limits.ts';

export interface RelayAddress {
  /** Ends in `/`; `http:` for loopback only. */
  origin: string;
  /** The relay's X25519 public key, 32 bytes; absent in a bare address. */
  key?: Bytes;
  invite?: Bytes;
}

/**
 * @throws PuenteError `link-invalid`, saying what is wrong with it (the text itself is not repeated: it may hold an
 * invite).
 */
export function parseLink(text: string): RelayAddress {
  const trimmed = text.trim();
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`;
  const url = urlOf(address);
  checkUrl(url);
  const fields = new URLSearchParams(url.hash.slice(1));
  const key = fields.get('k');
  const invite = fields.get('i');
  const parsed: RelayAddress = { origin: `${url.origin}/` };
  if (key !== null) parsed.key = field('k', key, 32, 32);
  if (invite !== null) parsed.invite = field('i', invite, 1, INVITE_MAX);
  if (parsed.invite && !parsed.key) throw new PuenteError('link-invalid', 'k-missing');
  return parsed;
}

/** `URL.canParse` is missing in browsers of 2023. */
function urlOf(address: string): URL {
  try {
    // Chromium takes a space in a host.
    return new URL(/ /.test(address) ? '' : address);
  } catch {
    throw new PuenteError('link-invalid', 'not-a-url');
  }
}

function checkUrl(url: URL): void {
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    throw new PuenteError('link-invalid', 'not-https');
  if (url.username || url.password || url.search || url.pathname !== '/')
    throw new PuenteError('link-invalid', 'more-than-host');
}

/** Where `http:` will do. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function field(name: 'k' | 'i', text: string, least: number, most: number): Bytes {
  const bytes = fromBase64url(text);
  if (!bytes || bytes.length < least || bytes.length > most) throw new PuenteError('link-invalid', `${name}-mistyped`);
  return bytes;
}

/** The inverse of {@link parseLink}. */
export function formatLink({ origin, key, invite }: RelayAddress): string {
  if (!key) return origin;
  return `${origin}#k=${toBase64url(key)}${invite ? `&i=${toBase64url(invite)}` : ''}`;
}
