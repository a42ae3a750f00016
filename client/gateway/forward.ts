/** The value of `-L`: a port on this machine, and where the port leads to. */
import net from 'node:net';
import { isLoopback } from '../../protocol/permits/link.ts';
import { backendName } from '../address.ts';
import { type Entrance, to, toAnything } from './entrance.ts';
import { httpConnect } from './http-connect.ts';
import { socks5 } from './socks5.ts';

export interface Forward {
  /** An address of this machine. */
  host: string;
  /** 0: any free port. */
  port: number;
  entrance: Entrance;
  /** Printed before the address. */
  scheme: '' | 'socks5://' | 'http://';
  /** The backend as printed: with `any://`, where `-L` has it. */
  backend?: string;
}

const BIND = String.raw`(?:(?<host>\[[^\]]+\]|[^:[\]/]+):)?(?<port>\d{1,5})`;
const FIXED = new RegExp(String.raw`^${BIND}:(?<any>any://)?(?<backend>(?:\[[^\]]+\]|[^:[\]/]+):\d{1,5})$`);
const PROXY = new RegExp(`^(?<scheme>socks5|http)://${BIND}/?$`);

const PROXIES: Record<string, Entrance> = { socks5, http: httpConnect };

/**
 * `[bind:]port:host:hostport`, as for ssh; or `socks5://[bind:]port`, `http://[bind:]port`. IPv6 addresses stand in
 * brackets. Without `bind`: 127.0.0.1. With `any://` before the host nothing is refused, HTTP included.
 * @throws Error that says what is wrong
 * @throws PuenteError `address-invalid`
 */
export function parseForward(text: string): Forward {
  const groups = (PROXY.exec(text) ?? FIXED.exec(text))?.groups ?? {};
  const { scheme, host = '127.0.0.1', port = '', any = '', backend } = groups;
  if (!port || Number(port) > 65_535)
    throw new Error(`-L: "${text}" is not [bind:]port:host:hostport, socks5://[bind:]port or http://[bind:]port.`);
  const listening = { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  if (!backend)
    return { ...listening, scheme: `${scheme}://` as Forward['scheme'], entrance: PROXIES[scheme ?? ''] ?? socks5 };
  const name = backendName(backend);
  return { ...listening, scheme: '', entrance: any ? toAnything(name) : to(name), backend: any + name };
}

/** Whether apps on other machines can reach the port. */
export function isPublic({ host }: Forward): boolean {
  return !isLoopback(net.isIPv6(host) ? `[${host}]` : host);
}

/** The address as a person can type it into an app. */
export function written({ scheme, host, backend }: Forward, port: number): string {
  const address = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
  return `${scheme}${address}${backend ? ` → ${backend}` : ''}`;
}
