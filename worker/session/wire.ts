/** The relay's end of a carrier's WebSocket: from the upgrade to the grant, and the part that a carrier needs. */
import { type Bytes, free } from '../../protocol/bytes.ts';
import { Carrier, type CarrierEvents } from '../../protocol/carrier/carrier.ts';
import { encodeGrant, type Grant, type Granted } from '../../protocol/carrier/hello.ts';
import type { Responder, Transport } from '../../protocol/carrier/noise.ts';
import { PuenteError, toWire } from '../../protocol/errors.ts';
import type { Admitted } from '../admission/admission.ts';
import { random } from '../random.ts';

/**
 * Answers an upgrade request with 101.
 * @param run has the WebSocket from then on. If `run` throws a PuenteError before its grant, the client gets the error
 * as the refusal.
 */
export function answer(
  { token, handshake, hello }: Admitted,
  run: (wire: RelayWire) => Promise<void>,
): { response: Response; ended: Promise<void> } {
  const { 0: client, 1: server } = new WebSocketPair();
  // Set both before the first event. Blobs would have to be awaited. The runtime must not answer a close by itself.
  server.binaryType = 'arraybuffer';
  server.accept({ allowHalfOpen: true });
  const headers = { 'Sec-WebSocket-Protocol': token };
  const response = new Response(null, { status: 101, headers, webSocket: client });
  const wire = new RelayWire(server);
  return { response, ended: run(wire).catch((error: unknown) => refuse(wire, handshake, hello, error)) };
}

async function refuse(wire: RelayWire, handshake: Responder, hello: Admitted['hello'], error: unknown): Promise<void> {
  const allowance = hello.kind === 'unknown' ? Infinity : hello.allowance;
  if (error instanceof PuenteError) await sendGrant(wire, handshake, { refusal: toWire(error.code) }, allowance);
  wire.close();
  if (!(error instanceof PuenteError)) throw error;
}

/** A wire on which it is always safe to send and to close, in every state of the WebSocket. */
export class RelayWire {
  readonly #webSocket: WebSocket;
  #closed = false;
  lost = false;
  /** A client has no keys before the grant. So a message before the grant is no record, and ends the carrier. */
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

/** A carrier on a wire whose grant was sent. */
export function carry(wire: RelayWire, transport: Transport, events: CarrierEvents, allowance = Infinity): Carrier {
  const carrier = new Carrier(transport, wire, events, allowance);
  wire.onMessage = (message) => carrier.receive(message);
  wire.onLost = () => carrier.lost();
  return carrier;
}

/** The fields of a grant beside the session's offsets. */
export type Granting = Pick<Granted, 'resumable' | 'patience' | 'session'>;

/**
 * Answers a hello. From then on, the transport's keys belong to the carrier.
 * @param allowance the allowance of the hello
 */
export async function sendGrant(
  wire: RelayWire,
  handshake: Responder,
  grant: Grant,
  allowance: number,
): Promise<Transport> {
  const { message, transport } = await handshake.writeGrant(encodeGrant(grant, allowance, random), random(32));
  wire.send(message);
  return transport;
}
