/** The backend that this tool is itself: each scenario plays the app on its own connection. */
import net, { type AddressInfo, type Socket } from 'node:net';

export interface OwnBackend {
  /** `host:port` */
  address: string;
  /** Connections that nobody has taken. */
  connections: Socket[];
  close(): void;
}

/** @param address `host:port`; port 0: any */
export async function ownBackend(address: string): Promise<OwnBackend> {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
  const connections: Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    connections.push(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(port), host.replace(/^\[(.*)\]$/, '$1'), resolve);
  });
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    connections,
    close() {
      for (const socket of connections) socket.destroy();
      server.close();
    },
  };
}
