/**
 * An `http.Agent` whose sockets go through a relay: for `https`, `ws`, axios, and every other library that takes an
 * agent.
 */
import type { ClientRequest } from 'node:http';
import type { AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { Agent, type AgentConnectOpts } from 'agent-base';
import { connectTls, createConnection, type NodeConnectOptions } from '../node/index.ts';

/**
 * A request fails with the PuenteError of its tunnel. `http:` and `ws:` work only where the relay lets plain text
 * through.
 *
 * @example
 * const agent = new PuenteAgent({ relay: link }, { keepAlive: true });
 * const socket = new WebSocket('wss://chat.example.org/', { agent });
 */
export class PuenteAgent extends Agent {
  readonly #tunnel: NodeConnectOptions;

  /** @param options as for `https.Agent`, such as `keepAlive` and `ca` */
  constructor(tunnel: NodeConnectOptions, options?: AgentOptions) {
    super(options);
    this.#tunnel = tunnel;
  }

  override connect(_request: ClientRequest, options: AgentConnectOpts): Duplex {
    // The port is a text when `ws` has taken it from the URL.
    const address = { hostname: options.host ?? 'localhost', port: Number(options.port) };
    return options.secureEndpoint
      ? connectTls(address, this.#tunnel, options)
      : createConnection(address, this.#tunnel);
  }
}
