/** A gateway within the test's process, at ports of its own on loopback. */
import { once } from 'node:events';
import net from 'node:net';
import type { Entrance } from '../../../client/gateway/entrance.ts';
import { Gateway, type GatewayEvent } from '../../../client/gateway/gateway.ts';
import { createConnection, type PuenteSocket } from '../../../client/node/index.ts';

export class TestGateway {
  readonly #gateway: Gateway;
  readonly events: GatewayEvent[] = [];
  readonly tunnels: PuenteSocket[] = [];
  /** Sockets of the test's clients. */
  readonly #clients: net.Socket[] = [];

  /** @param resolve names of backends that cannot be had here, and what stands in for them */
  constructor(relay: string, resolve: (backend: string) => string = (backend) => backend) {
    const open = (backend: string) => {
      const tunnel = createConnection(resolve(backend), { relay, allowHalfOpen: true });
      this.tunnels.push(tunnel);
      return tunnel;
    };
    this.#gateway = new Gateway(open, (event) => this.events.push(event));
  }

  get totals() {
    return this.#gateway.totals;
  }

  listen(entrance: Entrance): Promise<number> {
    return this.#gateway.listen(entrance, '127.0.0.1', 0);
  }

  /** Those that were told of, by their names. */
  told<E extends GatewayEvent['event']>(event: E) {
    return this.events.filter((one): one is Extract<GatewayEvent, { event: E }> => one.event === event);
  }

  stop(hurry?: AbortSignal): Promise<void> {
    return this.#gateway.stop(hurry);
  }

  /** Connects a client, half-closable; its errors are not thrown. */
  async client(port: number): Promise<net.Socket> {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#clients.push(socket.on('error', () => {}));
    await once(socket, 'connect');
    return socket;
  }

  /** Whatever is left, at once. */
  async close(): Promise<void> {
    for (const socket of this.#clients) socket.destroy();
    await this.#gateway.stop(AbortSignal.abort());
  }
}

/** All that comes, as Latin-1, until the other side ends or breaks the connection. */
export async function everything(socket: net.Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part;
  });
  await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  return text;
}

/** Whether the connection was broken, not ended, by the other side. */
export function broken(socket: net.Socket): Promise<boolean> {
  return new Promise((resolve) => socket.resume().once('close', resolve));
}
