/**
 * Cloudflare's own addresses, which a Worker's `connect()` refuses
 * (https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/#considerations). The list is as published at
 * https://www.cloudflare.com/ips/, read in November 2026.
 */
import { BlockList, isIPv6 } from 'node:net';

const RANGES = [
  '103.21.244.0/22',
  '103.22.200.0/22',
  '103.31.4.0/22',
  '104.16.0.0/13',
  '104.24.0.0/14',
  '108.162.192.0/18',
  '131.0.72.0/22',
  '141.101.64.0/18',
  '162.158.0.0/15',
  '172.64.0.0/13',
  '173.245.48.0/20',
  '188.114.96.0/20',
  '190.93.240.0/20',
  '197.234.240.0/22',
  '198.41.128.0/17',
  '2400:cb00::/32',
  '2405:8100::/32',
  '2405:b500::/32',
  '2606:4700::/32',
  '2803:f800::/32',
  '2a06:98c0::/29',
  '2c0f:f248::/32',
];

const list = new BlockList();
for (const range of RANGES) {
  const [address = '', bits] = range.split('/');
  list.addSubnet(address, Number(bits), familyOf(address));
}

/** @param address IPv4 or IPv6, without brackets */
export function isCloudflares(address: string): boolean {
  return list.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}
