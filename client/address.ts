import { PuenteError } from '../protocol/errors.ts';
import { HOST_CHARS_MAX } from '../protocol/limits.ts';

/** The address that a socket leads to: a backend of the relay. */
export interface SocketAddress {
  /** A DNS name or an IP address; IPv6 with or without brackets. */
  hostname: string;
  /** 1 to 65535. */
  port: number;
}

/**
 * The address as `host:port` in lower case, as a hello has it.
 * @throws PuenteError `address-invalid`
 */
export function backendName(address: SocketAddress | string): string {
  const { hostname, port } = typeof address === 'string' ? split(address) : address;
  const host = hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname;
  // Allow printable ASCII only: a name in another script has an ASCII form (RFC 5891), and a resolver needs that form.
  if (!/^[!-.0-9;-?A-~]+$|^\[[\da-f:.]+\]$/i.test(host)) throw new PuenteError('address-invalid', 'not-host-port');
  if (host.length > HOST_CHARS_MAX) throw new PuenteError('address-invalid', 'host-too-long');
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new PuenteError('address-invalid', 'port-out-of-range');
  return `${host.toLowerCase()}:${port}`;
}

function split(text: string): SocketAddress {
  const at = text.lastIndexOf(':');
  return { hostname: text.slice(0, Math.max(0, at)), port: Number(text.slice(at + 1)) };
}
