/**
 * A TCP middlebox on loopback: passes each connection on to one port, and does to it what its faults say. It sees what a
 * censor sees, the bytes of TCP.
 */
import net from 'node:net';
import { Connection, type Ending, type Fault } from './connection.ts';

export interface Middlebox {
  readonly port: number;
  /** For connections accepted from now on. */
  faults: Fault[];
  /** Connections accepted so far, with those that a fault has reset at once. */
  readonly accepted: number;
  /** Bytes delivered. */
  readonly up: number;
  readonly down: number;
  /** The address is blocked: from now on new connections are refused, and those that are open freeze. */
  block(): void;
  /** New ones pass again. Those that froze stay so. */
  unblock(): void;
  cutAll(how: Ending): void;
  close(): Promise<void>;
}

export async function startMiddlebox(target: number, faults: Fault[] = []): Promise<Middlebox> {
  const connections = new Set<Connection>();
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    box.accepted += 1;
    const connection = new Connection(client, target, box.faults, {
      delivered(direction, bytes) {
        box[direction] += bytes;
      },
      closed: () => connections.delete(connection),
    });
    connections.add(connection);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const box = {
    port: (server.address() as net.AddressInfo).port,
    faults,
    accepted: 0,
    up: 0,
    down: 0,
    block() {
      // Nobody listens there now; this does not end the connections that are open.
      if (server.listening) server.close();
      for (const connection of connections) connection.freeze('both');
    },
    unblock() {
      server.listen(box.port, '127.0.0.1');
    },
    cutAll(how: Ending) {
      for (const connection of connections) connection.cut(how);
    },
    async close() {
      for (const connection of connections) connection.destroy();
      // When the address is blocked this only fails.
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return box;
}
