/** One attempt on a route: how far the connection has come, and why it ends there. */
import { BlockList, isIP } from 'node:net';
import type { Code } from '../../../protocol/errors.ts';
import { isLoopback } from '../../../protocol/permits/link.ts';
import type { DialStage } from '../../runtime.ts';

/** The stages in which an attempt may fail. */
export type RouteStage = Extract<DialStage, 'dns' | 'tcp' | 'tls'>;

/** The reason for the end of an attempt that takes too long. */
export const LATE: NodeJS.ErrnoException = Object.assign(new Error('too late'), { code: 'ETIMEDOUT' });

export class RouteAttempt {
  readonly #host: string;
  readonly #passed: (stage: DialStage) => void;
  #stage: RouteStage;
  #addresses: readonly string[] = [];
  /** Nothing came for ROUTE_PATIENCE. */
  isSilent = false;

  /**
   * @param host a name, or an address
   * @param passed called with each stage that succeeded
   */
  constructor(host: string, passed: (stage: DialStage) => void) {
    this.#host = host;
    this.#passed = passed;
    this.#stage = isIP(host) ? 'tcp' : 'dns';
  }

  /** The stage under way. */
  get stage(): RouteStage {
    return this.#stage;
  }

  /** @param addresses the system resolver's answer; empty where the addresses come from elsewhere */
  found(addresses: readonly string[]): void {
    this.#addresses = addresses;
    if (this.#stage === 'dns') this.#pass('tcp');
  }

  connected(): void {
    this.#pass('tls');
  }

  #pass(next: RouteStage): void {
    this.#passed(this.#stage);
    this.#stage = next;
  }

  /** The code for a failure in this stage. */
  failure({ code = '' }: NodeJS.ErrnoException): Code {
    if (this.#stage === 'dns') return 'name-unknown';
    if (this.#isForged) return 'name-forged';
    if (this.#stage === 'tcp') return CONNECTING[code] ?? 'unreachable';
    return SECURING[code] ?? 'not-trusted';
  }

  /** True when no host on the Internet has any of the addresses (RFC 6890). */
  get #isForged(): boolean {
    if (isLoopback(this.#host) || this.#addresses.length === 0) return false;
    return this.#addresses.every((address) => RESERVED.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'));
  }
}

const CONNECTING: Record<string, Code> = { ECONNREFUSED: 'refused', ECONNRESET: 'refused', ETIMEDOUT: 'no-answer' };

const SECURING: Record<string, Code> = {
  ECONNRESET: 'name-blocked',
  EPIPE: 'name-blocked',
  ETIMEDOUT: 'name-blocked',
  CERT_NOT_YET_VALID: 'clock-off',
};

const RESERVED = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  RESERVED.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  RESERVED.addSubnet(network, prefix, 'ipv6');
