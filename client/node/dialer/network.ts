/** Finds out which network this device is in, as far as the device's own addresses tell. */
import { networkInterfaces } from 'node:os';

/**
 * The networks of the device's addresses: /24 or /64. Two networks that use the same private addresses look like one.
 * The client then tries the known routes of one network first in the other, and gives up a route that fails. The text
 * is the same for as long as no interface changes.
 */
export function currentNetwork(): string {
  const prefixes = Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    // Skip link-local addresses: their prefix is the same everywhere.
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ family, address }) => (family === 'IPv4' ? ipv4Prefix(address) : ipv6Prefix(address)));
  return [...new Set(prefixes)].sort().join(' ');
}

const ipv4Prefix = (address: string): string => address.split('.', 3).join('.');

/** Leaves out the zeros that the address leaves out. */
const ipv6Prefix = (address: string): string => (address.split('::', 1)[0] as string).split(':', 4).join(':');
