/** From what a person pastes to addresses of proxies. */
import { parseRelayList } from 'puente';

/** Links and bare addresses, one a line; none in what is no such thing. */
export function addressesIn(text: string): string[] {
  try {
    return parseRelayList(text).relays;
  } catch {
    return [];
  }
}

function urlOf(address: string): URL {
  return new URL(/^https?:/i.test(address) ? address : `https://${address}`);
}

/** What may be shown: a link can hold an invite. */
export const hostOf = (address: string): string => urlOf(address).host;

export const isSameRelay = (one: string, other: string): boolean => urlOf(one).origin === urlOf(other).origin;

export const isAddress = (value: unknown): value is string =>
  typeof value === 'string' && addressesIn(value)[0] === value;

export const isBare = (address: string): boolean => urlOf(address).hash === '';

/** Milliseconds. */
const KEY_TIME = 10_000;

/**
 * The link of a bare address: with the key that its relay publishes. An app keeps the link, or whoever comes to stand in the relay's
 * place could give another key the next time. Without a published key it stays as it is: the check says what is wrong with it.
 */
export async function pinned(address: string): Promise<string> {
  if (!isBare(address)) return address;
  const { origin } = urlOf(address);
  try {
    const signal = AbortSignal.timeout(KEY_TIME);
    const options = { signal, redirect: 'error', credentials: 'omit', referrerPolicy: 'no-referrer' } as const;
    const { key } = await (await fetch(`${origin}/.well-known/puente`, options)).json();
    return typeof key === 'string' && /^[\w-]{43}$/.test(key) ? `${origin}/#k=${key}` : address;
  } catch {
    return address;
  }
}
