/** The way to a relay while a connection is set up: how far it has come, and why it ends there. */
import { BlockList, isIP, type LookupFunction, type Socket } from 'node:net';
import type { Code } from '../../protocol/errors.ts';
import { SET_UP_TIMEOUT } from '../../protocol/limits.ts';
import { isLoopback } from '../../protocol/link.ts';
import type { DialStage } from '../runtime.ts';

export class Way {
  readonly #host: string;
  readonly #isSecure: boolean;
  readonly #passed: (stage: DialStage) => void;
  /** What is under way. */
  #stage: DialStage;
  #addresses: string[] = [];

  /** @param passed is told of each stage, when it is over and well */
  constructor({ hostname, protocol }: URL, passed: (stage: DialStage) => void) {
    this.#host = hostname;
    this.#isSecure = protocol === 'wss:';
    this.#passed = passed;
    this.#stage = isIP(hostname.replace(/[[\]]/g, '')) ? 'tcp' : 'dns';
  }

  /** That resolver, with a look at what it finds. */
  through(lookup: LookupFunction): LookupFunction {
    return (hostname, options, done) =>
      lookup(hostname, options, (error, found, family) => {
        if (!error) {
          this.#addresses = typeof found === 'string' ? [found] : found.map(({ address }) => address);
          this.#pass('dns', 'tcp');
        }
        done(error, found, family);
      });
  }

  /** @param late is called when it takes longer than SET_UP_TIMEOUT until TLS is there */
  follow(tcp: Socket, late: () => void): void {
    const timer = setTimeout(late, SET_UP_TIMEOUT);
    tcp.once('connect', () => this.#pass('tcp', this.#isSecure ? 'tls' : 'upgrade'));
    tcp.once('secureConnect', () => this.#pass('tls', 'upgrade'));
    for (const event of [this.#isSecure ? 'secureConnect' : 'connect', 'close'])
      tcp.once(event, () => clearTimeout(timer));
  }

  /** An HTTP answer has come. */
  answered(): void {
    this.#passed('upgrade');
  }

  #pass(stage: DialStage, next: DialStage): void {
    this.#passed(stage);
    this.#stage = next;
  }

  /** Why it ends here. */
  failure({ code = '' }: NodeJS.ErrnoException): Code {
    if (this.#stage === 'dns') return 'name-unknown';
    if (this.#stage === 'upgrade') return 'unreachable';
    if (this.#isForged) return 'name-forged';
    if (this.#stage === 'tcp') return CONNECTING[code] ?? 'unreachable';
    return SECURING[code] ?? 'not-trusted';
  }

  /** All its addresses are such as no host on the Internet has (RFC 6890). */
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
