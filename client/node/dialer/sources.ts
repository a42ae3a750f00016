/** Where the addresses of a relay's host are from: the system's resolver, the app, DNS over HTTPS. */
import { isIP, isIPv6, type LookupFunction } from 'node:net';
import { PuenteError } from '../../../protocol/errors.ts';
import { isLoopback } from '../../../protocol/permits/link.ts';
import type { Address } from './connect.ts';
import { resolveOverHttps } from './doh.ts';

/** Addresses that are tried from one source: no host needs more. */
const ADDRESSES_MAX = 8;

/** Rejects when it has none. */
export type Source = (signal: AbortSignal) => Promise<Address[]>;

export interface SourceOptions {
  lookup: LookupFunction;
  addresses: readonly string[];
  doh: readonly string[];
}

/** A host, as it stands in a URL, its brackets aside. */
export interface Host {
  name: string;
  port: number;
}

/** In the order in which they are tried: what an ordinary client does, then what the app knows, then what nobody need know. */
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

/** The families in turn, beginning with the one that the system puts first: where one leads nowhere, it costs one attempt. */
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

/** Names that no public resolver answers for, and should not be asked about (RFC 6761, RFC 6762, RFC 7686). */
function isPublic(name: string): boolean {
  return !isIP(name) && !isLoopback(name) && /\.(?!(?:localhost|invalid|test|local|onion)$)[^.]+$/i.test(name);
}
