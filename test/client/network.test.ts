/** Which network a device is in, by its own addresses; and what is kept for each. */
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { afterEach, expect, it, vi } from 'vitest';
import { ROUTES_MAX, RoutesByHost } from '../../client/node/dialer/known-routes.ts';
import { currentNetwork } from '../../client/node/dialer/network.ts';

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

function having(...addresses: string[]): void {
  const infos = addresses.map((address) => ({
    address,
    family: address.includes(':') ? 'IPv6' : 'IPv4',
    internal: address === '127.0.0.1',
  }));
  vi.spyOn(os, 'networkInterfaces').mockReturnValue({ any: infos as os.NetworkInterfaceInfo[] });
  syncBuiltinESMExports();
}

function networkOf(...addresses: string[]): string {
  having(...addresses);
  return currentNetwork();
}

it('is the /24 and the /64 of each, in any order', () => {
  const home = networkOf('127.0.0.1', '192.168.1.7', '2001:db8:1:2:aaaa::1', 'fe80::1');
  expect(networkOf('2001:db8:1:2::99', '192.168.1.200')).toBe(home);
  for (const other of [
    ['192.168.2.7', '2001:db8:1:2::1'],
    ['192.168.1.7', '2001:db8:1:3::1'],
    ['192.168.1.7'],
    ['2001:db8:1:2::1'],
  ])
    expect(networkOf(...other)).not.toBe(home);
});

it('has what is known of the ways in it, and no more than so many are kept', () => {
  const ways = new RoutesByHost();
  having('10.0.0.1');
  const here = ways.to('relay.example');
  having('10.0.1.1');
  const there = ways.to('relay.example');
  expect(there).not.toBe(here);
  having('10.0.0.1');
  expect(ways.to('relay.example')).toBe(here);
  for (let other = 1; other < ROUTES_MAX; other += 1) ways.to(`relay-${other}.example`);
  expect(ways.to('relay.example')).toBe(here);
  having('10.0.1.1');
  expect(ways.to('relay.example')).not.toBe(there);
});
