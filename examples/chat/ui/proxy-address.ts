/** Turns the text that a person pastes into addresses of proxies. */
import { parseRelayList } from 'puente';
import { fromBase64url } from 'puente/bytes';
import { formatLink, parseLink } from 'puente/link';

/** Links and bare addresses, one a line; none when the text has no address. */
export function addressesIn(text: string): string[] {
  try {
    return parseRelayList(text).relays;
  } catch {
    return [];
  }
}

/** The part of an address that may be shown: a link can hold an invite. */
export const shownOf = (address: string): string => parseLink(address).url.replace(/^https?:\/\/|\/$/g, '');

export const isSameRelay = (one: string, other: string): boolean => parseLink(one).url === parseLink(other).url;

export const isAddress = (value: unknown): value is string =>
  typeof value === 'string' && addressesIn(value)[0] === value;

export const isBare = (address: string): boolean => !parseLink(address).key;

/** Milliseconds. */
const KEY_TIME = 10_000;

/**
 * The link of a bare address, with the key that the relay publishes. An app keeps the link: otherwise somebody in the
 * relay's place could give another key the next time. Without a published key the address stays as it is: the check
 * says what is wrong with it.
 */
export async function pinned(address: string): Promise<string> {
  if (!isBare(address)) return address;
  const { url } = parseLink(address);
  try {
    const signal = AbortSignal.timeout(KEY_TIME);
    const options = { signal, redirect: 'error', credentials: 'omit', referrerPolicy: 'no-referrer' } as const;
    const published = await (await fetch(`${url}.well-known/puente`, options)).json();
    const key = fromBase64url(String(published.key));
    return key?.length === 32 ? formatLink({ url, key }) : address;
  } catch {
    return address;
  }
}
