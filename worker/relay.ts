/** One session, from its admitted hello to its end: backend, grant, carrier, pipe. */
import { type Bytes, EMPTY, free } from '../protocol/bytes.ts';
import { Carrier } from '../protocol/carrier.ts';
import { PuenteError, toWire } from '../protocol/errors.ts';
import { encodeGrant, type Grant, type OpenHello } from '../protocol/hello.ts';
import type { Responder, Transport } from '../protocol/noise.ts';
import type { Admitted } from './admission.ts';
import { allowedAddress, type BackendTable, openBackend } from './backends.ts';
import { Pipe } from './pipe.ts';

/**
 * Resolves when the session has ended and its backend's connection is closed.
 * @param webSocket accepted, with ArrayBuffer messages.
 */
export async function relay(webSocket: WebSocket, admitted: Admitted, backends: BackendTable): Promise<void> {
  const wire = new RelayWire(webSocket);
  try {
    const hello = understood(admitted.hello);
    const backend = await openBackend(allowedAddress(backends, hello.backend));
    const pipe = await join(backend);
    await attach(wire, admitted.handshake, hello, pipe);
    await pipe.run();
  } catch (error) {
    if (error instanceof PuenteError) await sendGrant(wire, admitted.handshake, { refusal: toWire(error.code) });
    wire.close();
    if (!(error instanceof PuenteError)) throw error;
  }
}

function understood(hello: Admitted['hello']): OpenHello {
  if (hello.kind === 'open') return hello;
  // No session here outlives its carrier, so none can be resumed.
  throw new PuenteError(hello.kind === 'resume' ? 'session-unknown' : 'version');
}

async function join(backend: Socket): Promise<Pipe> {
  try {
    return new Pipe(backend);
  } catch (error) {
    await backend.close();
    throw error;
  }
}

async function attach(wire: RelayWire, handshake: Responder, hello: OpenHello, { session }: Pipe): Promise<void> {
  if (hello.earlyData.length > 0) session.receive([{ type: 'data', offset: 0, bytes: hello.earlyData }]);
  const told = session.offsets();
  const grant = { resumable: false, session: EMPTY, ...told };
  const transport = await sendGrant(wire, handshake, grant);
  if (wire.lost) return session.abandon('carrier-lost');
  const carrier = new Carrier(transport, wire, {
    frames: (frames) => session.receive(frames),
    failed: (code) => session.reset(code),
    lost: () => session.abandon('carrier-lost'),
  });
  wire.onMessage = (message) => carrier.receive(message);
  wire.onLost = () => carrier.lost();
  session.attach(carrier, { received: 0, limit: hello.limit }, told);
}

async function sendGrant(wire: RelayWire, handshake: Responder, grant: Grant): Promise<Transport> {
  const ephemeralSecret = crypto.getRandomValues(new Uint8Array(32));
  const { message, transport } = await handshake.writeGrant(encodeGrant(grant), ephemeralSecret);
  wire.send(message);
  return transport;
}

/** The relay's end of the WebSocket: safe to send on and to close, whatever its state. */
class RelayWire {
  readonly #webSocket: WebSocket;
  #closed = false;
  lost = false;
  /** A client has no keys before the grant: what it sends until then is no record, and ends the carrier. */
  onMessage: (message: unknown) => void = () => this.close();
  onLost: () => void = () => {};

  constructor(webSocket: WebSocket) {
    this.#webSocket = webSocket;
    webSocket.addEventListener('message', ({ data }) => this.onMessage(data));
    webSocket.addEventListener('close', () => this.#lose());
    webSocket.addEventListener('error', () => this.#lose());
  }

  #lose(): void {
    this.close();
    this.lost = true;
    this.onLost();
  }

  send(message: Bytes): void {
    if (!this.#closed) this.#webSocket.send(message);
    free(message);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#webSocket.readyState !== WebSocket.CLOSED) this.#webSocket.close(1000);
  }
}
