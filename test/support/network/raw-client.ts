/** A client without a Session: says what a test makes it say, and shows every frame that comes back. */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { nodeCipher } from '../../../client/node/cipher.ts';
import { type Bytes, EMPTY } from '../../../protocol/bytes.ts';
import { decodeGrant, encodeHello, type Grant, type Hello } from '../../../protocol/carrier/hello.ts';
import { type Initiator, initiate, PROLOGUE, type Transport } from '../../../protocol/carrier/noise.ts';
import { parseLink } from '../../../protocol/permits/link.ts';
import { offerOf, tokenTail } from '../../../protocol/permits/token.ts';
import { decodeFrames, encodeFrames, type Frame, type Offsets } from '../../../protocol/session/frames.ts';
import { random } from '../fixtures/open-hello.ts';
import { until } from '../until.ts';

export { openHello, random } from '../fixtures/open-hello.ts';

/** The two subprotocols of an upgrade request with this payload, and the handshake that can read the answer. */
export async function helloFor(link: string, payload: Payload): Promise<{ protocols: string[]; initiator: Initiator }> {
  const { key } = parseLink(link);
  if (!key) throw new Error('a link with a key, please');
  const initiator = await initiate(nodeCipher, PROLOGUE, key, random(32));
  const bytes = typeof payload === 'function' ? await payload(initiator.binding) : payload;
  const message = await initiator.writeHello(bytes);
  return { protocols: await offerOf(nodeCipher, key, message, tokenTail(random)), initiator };
}

/** A resume's payload holds a proof over the handshake that it rides in. */
type Payload = Bytes | ((binding: Bytes) => Promise<Bytes>);

export class RawClient {
  readonly #socket: WebSocket;
  readonly #transport: Transport;
  readonly #headers: Record<string, string>;
  readonly grant: Grant;
  /** What it was read from. */
  readonly grantPayload: Bytes;
  readonly frames: Frame[] = [];
  readonly closed: Promise<void>;

  private constructor(socket: WebSocket, transport: Transport, grantPayload: Bytes, headers: Record<string, string>) {
    this.#socket = socket;
    this.#transport = transport;
    this.#headers = headers;
    this.grantPayload = grantPayload;
    this.grant = decodeGrant(grantPayload);
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  /**
   * Rejects when the upgrade is not answered with 101.
   * @param headers of the upgrade request, also those that Cloudflare adds in front of the Worker
   */
  static async open(link: string, hello: Hello | Payload, headers: Record<string, string> = {}): Promise<RawClient> {
    const made = hello instanceof Uint8Array || typeof hello === 'function';
    const payload = made ? hello : encodeHello(hello, random);
    const { protocols, initiator } = await helloFor(link, payload);
    const socket = new WebSocket(parseLink(link).url.replace('http', 'ws'), protocols, {
      perMessageDeflate: false,
      headers,
    });
    const messages: Buffer[] = [];
    let onMessage = (message: Buffer): unknown => messages.push(message);
    socket.on('message', (message: Buffer) => onMessage(message));
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed before the grant')));
      onMessage = (message) => {
        messages.push(message);
        resolve();
      };
    });
    onMessage = (message) => messages.push(message);
    const [first] = messages.splice(0, 1);
    const { payload: grant, transport } = await initiator.readGrant(Uint8Array.from(first ?? []));
    const client = new RawClient(socket, transport, grant, headers);
    onMessage = (message) => void client.#receive(message);
    for (const message of messages) await client.#receive(message);
    return client;
  }

  /** Another carrier for the same session, with a proof of it, and the link's invite. */
  resume(link: string, carrier: number, offsets: Offsets, allowance = Number.POSITIVE_INFINITY): Promise<RawClient> {
    if (!('session' in this.grant)) throw new Error('was refused');
    const { session } = this.grant;
    const { secret } = this.#transport;
    const { invite = EMPTY } = parseLink(link);
    const payload = async (binding: Bytes) => {
      const mac = await nodeCipher.hmac(secret, binding);
      return encodeHello(
        {
          kind: 'resume',
          session,
          carrier,
          mac,
          ...offsets,
          allowance,
          invite,
          time: Date.now(),
        },
        random,
      );
    };
    return RawClient.open(link, payload, this.#headers);
  }

  async #receive(message: Buffer): Promise<void> {
    this.frames.push(...decodeFrames(await this.#transport.open(Uint8Array.from(message))));
  }

  async send(...frames: Frame[]): Promise<void> {
    this.sendRaw(await this.#transport.seal(encodeFrames(frames)));
  }

  /** Seals a plaintext that need not be frames. */
  async sendPlaintext(plaintext: Bytes): Promise<void> {
    this.sendRaw(await this.#transport.seal(plaintext));
  }

  sendRaw(message: Bytes | string): void {
    this.#socket.send(message);
  }

  /** Resolves when all that was sent is the kernel's. */
  async flushed(): Promise<void> {
    await until('it is on its way', () => this.#socket.bufferedAmount === 0 || this.#socket.readyState > 1, 20_000);
  }

  /** The connection under the WebSocket. */
  get tcp(): Socket {
    return (this.#socket as unknown as { _socket: Socket })._socket;
  }

  /** Reads no more of what comes: TCP fills up. */
  deafen(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.terminate();
  }
}
