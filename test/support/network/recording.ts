/** What passes a point of the path, kept so that it can be searched afterwards. */
import { once } from 'node:events';
import net from 'node:net';
import type { Dial, DialEvents } from 'puente/node';

/** Several byte streams, one for each direction of each connection. */
export class Recording {
  readonly #streams: Buffer[][] = [];

  /** Starts a stream; returns what adds to it. */
  stream(): (bytes: Uint8Array) => void {
    const chunks: Buffer[] = [];
    this.#streams.push(chunks);
    // Copied: whoever owns the bytes may use their memory again.
    return (bytes) => chunks.push(Buffer.from(bytes));
  }

  get bytes(): number {
    return this.#streams.flat().reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** Which of the needles occur, even across the borders of chunks. */
  find(needles: readonly Buffer[]): Buffer[] {
    // Joined once, not for each needle.
    const haystacks = this.#streams.map((chunks) => Buffer.concat(chunks));
    return needles.filter((needle) => haystacks.some((haystack) => haystack.includes(needle)));
  }
}

/** The same `dial`, which records every WebSocket message, before the client's mask is on it, and the hello before them. */
export function recordingDial(dial: Dial, recording: Recording): Dial {
  return (url, protocols, events, resumeTls) => {
    const toRelay = recording.stream();
    const fromRelay = recording.stream();
    // The hello rides in the upgrade request, in base64url.
    for (const protocol of protocols) toRelay(Buffer.from(protocol, 'base64url'));
    const recorded: DialEvents = {
      message(data) {
        fromRelay(data instanceof ArrayBuffer ? new Uint8Array(data) : Buffer.from(String(data)));
        events.message(data);
      },
      closed: (error, date) => events.closed(error, date),
    };
    const wire = dial(url, protocols, recorded, resumeTls);
    return {
      send(message) {
        toRelay(message);
        wire.send(message);
      },
      close: () => wire.close(),
    };
  };
}

export interface RecordingProxy {
  port: number;
  close(): Promise<void>;
}

/** Stands in front of a server on this machine, and records every byte in both directions. */
export async function startRecordingProxy(serverPort: number, recording: Recording): Promise<RecordingProxy> {
  const sockets = new Set<net.Socket>();
  const proxy = net.createServer({ allowHalfOpen: true, noDelay: true }, (inner) => {
    const outer = net.connect({ port: serverPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      from.on('data', recording.stream());
      from.pipe(to);
      // A broken half breaks the other one; each tells its own peer.
      from.on('error', () => to.destroy());
      from.on('close', () => sockets.delete(from));
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    port: (proxy.address() as net.AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
