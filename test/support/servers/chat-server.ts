/** A chat server on this machine: MQTT 3.1.1 over TLS, on loopback, in this process. */
import tls from 'node:tls';
import { Aedes } from 'aedes';
import { makeCertificate } from '../fixtures/certificate.ts';
import { listen } from '../network/listen.ts';

export interface ChatServer {
  port: number;
  /** The certificate that clients verify it by, PEM; it is for `localhost`. */
  ca: string;
  close(): Promise<void>;
}

/** @param onMessage is given every message as the server sees it: in plaintext, for here the app's TLS ends. */
export async function startChatServer(onMessage?: (topic: string, payload: Buffer) => void): Promise<ChatServer> {
  const { key, cert } = await makeCertificate();
  const broker = await Aedes.createBroker();
  broker.on('publish', ({ topic, payload }, client) => {
    // The broker's own announcements have no client.
    if (client) onMessage?.(topic, Buffer.from(payload));
  });
  // Without noDelay every second message waits 40 ms: Nagle's algorithm and TCP's delayed acknowledgements.
  const server = tls.createServer({ key, cert, noDelay: true }, (socket) => broker.handle(socket));
  const { port, close } = await listen(server);
  return {
    port,
    ca: cert,
    async close() {
      await new Promise<void>((resolve) => broker.close(resolve));
      await close();
    },
  };
}
