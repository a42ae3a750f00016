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
  /** Connections accepted so far, with those that were refused at once. */
  readonly accepted: number;
  /** Bytes delivered. */
  readonly up: number;
  readonly down: number;
  /** The address is blocked: from now on new connections are reset, and those that are open freeze. */
  block(): void;
  /** New ones pass again. Those that froze stay so. */
  unblock(): void;
  cutAll(how: Ending): void;
  close(): Promise<void>;
}

const refuse: Fault = (connection) => void connection.cut('rst');

export async function startMiddlebox(target: number, faults: Fault[] = []): Promise<Middlebox> {
  const connections = new Set<Connection>();
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    box.accepted += 1;
    const connection = new Connection(client, target, box.isBlocked ? [refuse] : box.faults, {
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
    isBlocked: false,
    block() {
      box.isBlocked = true;
      for (const connection of connections) connection.freeze('both');
    },
    unblock() {
      box.isBlocked = false;
    },
    cutAll(how: Ending) {
      for (const connection of connections) connection.cut(how);
    },
    async close() {
      for (const connection of connections) connection.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return box;
}
