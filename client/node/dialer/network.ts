/** Which network this device is in, as far as its own addresses tell. */
import { networkInterfaces } from 'node:os';

/**
 * The networks of its addresses: /24 or /64. Two that use the same private addresses look like one; what is known of the one is
 * then tried first in the other, and given up when it fails. The same text for as long as no interface changes.
 */
export function currentNetwork(): string {
  const prefixes = Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    // A link-local address is the same prefix everywhere.
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ family, address }) => (family === 'IPv4' ? ipv4Prefix(address) : ipv6Prefix(address)));
  return [...new Set(prefixes)].sort().join(' ');
}

const ipv4Prefix = (address: string): string => address.split('.', 3).join('.');

/** What is left out as zeros is left out here, too. */
const ipv6Prefix = (address: string): string => (address.split('::', 1)[0] as string).split(':', 4).join(':');
