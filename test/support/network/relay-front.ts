/** A name of its own for a relay on this machine, and the network before it: slow, frozen, or gone. */
import net from 'node:net';

export interface RelayFront {
  /** `http://127.0.0.x:port/`: to a client another name than any other front's. */
  origin: string;
  /** Connections so far. */
  connections: number;
  /** Milliseconds that the relay's answers take; for what comes from now on. */
  delay: number;
  /** Breaks all connections, and takes no more. */
  kill(): Promise<void>;
}

/**
 * @param host in 127.0.0.0/8
 * @param port 0: any
 */
export async function startRelayFront(host: string, relayOrigin: string, port = 0): Promise<RelayFront> {
  const open = new Set<net.Socket>();
  const server = net.createServer({ noDelay: true }, (near) => {
    front.connections += 1;
    const far = net.connect({ port: Number(new URL(relayOrigin).port), host: '127.0.0.1', noDelay: true });
    near.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => void setTimeout(() => near.write(bytes), front.delay));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  const front: RelayFront = {
    origin: `http://${host}:${(server.address() as net.AddressInfo).port}/`,
    connections: 0,
    delay: 0,
    async kill() {
      for (const socket of open) socket.resetAndDestroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return front;
}
