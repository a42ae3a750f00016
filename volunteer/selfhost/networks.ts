/**
 * Networks that a relay on a volunteer's own server does not reach, beside the networks that workerd counts as private.
 */
import { BlockList, isIP } from 'node:net';

/**
 * Blocks for special purposes, from IANA's registries (RFC 6890): workerd's `public` lets most of them through.
 * Gateways translate an address in some of these blocks to a private address.
 */
export const SPECIAL: readonly string[] = [
  // "This network" (RFC 791).
  '0.0.0.0/8',
  // Between a provider and its customers (RFC 6598).
  '100.64.0.0/10',
  // Protocol assignments (RFC 6890).
  '192.0.0.0/24',
  // Documentation (RFC 5737).
  '192.0.2.0/24',
  '198.51.100.0/24',
  '203.0.113.0/24',
  // Relays of 6to4 (RFC 7526).
  '192.88.99.0/24',
  // Benchmarking (RFC 2544).
  '198.18.0.0/15',
  // IPv4 in IPv6: compatible (RFC 4291), translated (RFC 2765), NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056).
  // Workerd judges a mapped address by its IPv4 address.
  '::/96',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2002::/16',
  // Addresses to be discarded (RFC 6666), dummy addresses (RFC 9780).
  '100::/64',
  '100:0:0:1::/64',
  // Protocol assignments (RFC 2928): Teredo (RFC 4380), benchmarking (RFC 5180), ORCHID (RFC 7343).
  '2001::/23',
  // Documentation (RFC 3849, RFC 9637).
  '2001:db8::/32',
  '3fff::/20',
  // Segment routing (RFC 9602).
  '5f00::/16',
  // Site-local (RFC 3879).
  'fec0::/10',
];

/**
 * The blocks to deny where a volunteer allows networks. Workerd goes by the narrower of an allowed and a denied block,
 * and denies where both are alike: so leave out a block within an allowed network.
 */
export function deniedBeside(allowed: readonly string[]): string[] {
  return SPECIAL.filter((block) => !allowed.some((network) => contains(network, block)));
}

function contains(network: string, block: string): boolean {
  const [outer, inner] = [parts(network), parts(block)];
  if (outer.family !== inner.family || outer.bits > inner.bits) return false;
  const list = new BlockList();
  list.addSubnet(outer.address, outer.bits, outer.family);
  return list.check(inner.address, inner.family);
}

function parts(network: string) {
  const [address = '', bits] = network.split('/');
  return { address, bits: Number(bits), family: isIP(address) === 4 ? ('ipv4' as const) : ('ipv6' as const) };
}
