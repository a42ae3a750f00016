/** A network path that is slow in both directions, and that counts the round trips of its users. */
import net from 'node:net';

export interface DelayedPath {
  port: number;
  /** How often the client has spoken again after the server had spoken: each time took a round trip. */
  turns: number;
  close(): void;
}

/** @param delay milliseconds each way */
export async function delayedPath(to: number, delay: number): Promise<DelayedPath> {
  let clientsTurn = true;
  const server = net.createServer({ noDelay: true }, (client) => {
    const onward = net.connect({ port: to, host: '127.0.0.1', noDelay: true });
    const forward = (from: net.Socket, target: net.Socket, onArrival: () => void) => {
      from.on('data', (bytes) =>
        setTimeout(() => {
          onArrival();
          target.write(bytes);
        }, delay),
      );
      from.on('end', () => setTimeout(() => target.end(), delay));
      from.on('error', () => target.destroy());
    };
    forward(client, onward, () => {
      if (clientsTurn) path.turns += 1;
      clientsTurn = false;
    });
    forward(onward, client, () => {
      clientsTurn = true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const path = { port: (server.address() as net.AddressInfo).port, turns: 0, close: () => void server.close() };
  return path;
}
