/** The sources of addresses for a relay's host: the system's resolver, the app, DNS over HTTPS. */
import { isIP, isIPv6, type LookupFunction } from 'node:net';
import { PuenteError } from '../../../protocol/errors.ts';
import { isLoopback } from '../../../protocol/permits/link.ts';
import type { Address } from './connect.ts';
import { resolveOverHttps } from './doh.ts';

/** Addresses to try from one source: no host needs more. */
const ADDRESSES_MAX = 8;

/** Rejects when the source has no address. */
export type Source = (signal: AbortSignal) => Promise<Address[]>;

export interface SourceOptions {
  lookup: LookupFunction;
  addresses: readonly string[];
  doh: readonly string[];
}

/** A host as in a URL, without its brackets. */
export interface Host {
  name: string;
  port: number;
}

/**
 * The sources in the order in which the search tries them. First comes the source of an ordinary client, then the
 * addresses that the app knows, then DNS over HTTPS, for which nobody needs to know an address.
 */
export function sourcesOf(host: Host, { lookup, addresses, doh }: SourceOptions): Source[] {
  const sources: Source[] = [isIP(host.name) ? async () => [{ ...host, host: host.name }] : resolved(host, lookup)];
  const given = addresses.map((address) => parseAddress(address, host.port));
  if (given.length > 0) sources.push(async () => given);
  if (doh.length > 0 && isPublic(host.name))
    sources.push(async (signal) => atPort(await resolveOverHttps(host.name, doh, signal), host.port));
  return sources;
}

function resolved({ name, port }: Host, lookup: LookupFunction): Source {
  return () =>
    new Promise((resolve, reject) => {
      lookup(name, { all: true }, (error, found) => {
        if (error) reject(error);
        else resolve(atPort(typeof found === 'string' ? [found] : inTurn(found), port));
      });
    });
}

const atPort = (hosts: string[], port: number): Address[] =>
  hosts.slice(0, ADDRESSES_MAX).map((host) => ({ host, port }));

/**
 * IPv4 and IPv6 addresses in turn, beginning with the family that the system puts first. A family that leads nowhere
 * then costs one attempt.
 */
function inTurn(found: { address: string; family: number }[]): string[] {
  const first = found.filter(({ family }) => family === found[0]?.family);
  const second = found.filter(({ family }) => family !== found[0]?.family);
  const pairs = Array.from({ length: Math.max(first.length, second.length) }, (_, at) => [first[at], second[at]]);
  return pairs.flat().flatMap((one) => (one ? [one.address] : []));
}

/**
 * `host`, `host:port`, and IPv6 with or without brackets.
 * @throws PuenteError `address-invalid`
 */
export function parseAddress(text: string, defaultPort: number): Address {
  if (isIPv6(text)) return { host: text, port: defaultPort };
  const [, six, other, digits] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = six ?? other;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || (six && !isIPv6(six)) || port < 1 || port > 65_535)
    throw new PuenteError('address-invalid', 'not-host-port');
  return { host, port };
}

/**
 * False for names that no public resolver answers for, and should not be asked about (RFC 6761, RFC 6762, RFC 7686).
 */
function isPublic(name: string): boolean {
  return !isIP(name) && !isLoopback(name) && /\.(?!(?:localhost|invalid|test|local|onion)$)[^.]+$/i.test(name);
}
