/**
 * The front of the chat server, as a messenger's own servers have one: TCP, and a Noise handshake of its own under a key that the
 * app knows. What comes out behind it is an ordinary stream. `../net/wire.ts` has what stands on the wire.
 */
import { randomBytes } from 'node:crypto';
import { Duplex } from 'node:stream';
import { type Bytes, EMPTY } from 'puente/bytes';
import { noble } from 'puente/noble';
import { type RelayKey, Responder, type Transport } from 'puente/noise';
import { Incoming } from '../net/incoming.ts';
import {
  CLIENT_HELLO,
  decodeHandshake,
  encodeHandshake,
  framed,
  HEADER,
  opened,
  SERVER_HELLO,
  sealed,
  takeFrame,
} from '../net/wire.ts';

/** In milliseconds. */
const HANDSHAKE_TIME = 10_000;

/** What a handshake takes at least: a key, and a tag. */
const MESSAGE = 32 + 16;

/**
 * Answers one connection's handshake.
 * @param hear is given all that is said behind the front
 * @returns what the client says and is told, in the clear; nothing when it was no client of this app's, which then has an answer
 * and a closed connection
 */
export async function accept(
  socket: Duplex,
  key: RelayKey,
  hear: (bytes: Uint8Array) => void,
): Promise<Opened | undefined> {
  // Whatever breaks it also closes it, and ends what is read from it.
  socket.on('error', () => {});
  const timer = setTimeout(() => socket.destroy(), HANDSHAKE_TIME);
  try {
    const incoming = new Incoming(socket.iterator({ destroyOnReturn: false }));
    const header = await incoming.take(HEADER.length);
    // `WA`; of which version is not asked.
    if (header?.[0] !== HEADER[0] || header?.[1] !== HEADER[1]) throw new Error('another protocol');
    const hello = decodeHandshake(CLIENT_HELLO, (await takeFrame(incoming)) ?? EMPTY);
    const responder = await Responder.readHello(noble, key, hello).catch(() => undefined);
    if (!responder) {
      // A hello from elsewhere, such as a check's, which has an ephemeral key alone: to anyone who does not know a secret of the
      // handshake's, these are the keys and the seal that it asks for.
      socket.end(framed(encodeHandshake(SERVER_HELLO, randomBytes(MESSAGE))));
      return undefined;
    }
    const { message, transport } = await responder.writeGrant(EMPTY, new Uint8Array(randomBytes(32)));
    socket.write(framed(encodeHandshake(SERVER_HELLO, message)));
    return new Opened(socket, incoming, transport, hear);
  } catch {
    socket.destroy();
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** A connection's stream behind its seal. */
export class Opened extends Duplex {
  /** Known to the two ends alone: see `proofOf`. */
  readonly channel: Bytes;
  readonly #socket: Duplex;
  readonly #records: AsyncIterator<Bytes>;
  readonly #transport: Transport;
  readonly #hear: (bytes: Uint8Array) => void;

  constructor(socket: Duplex, incoming: Incoming, transport: Transport, hear: (bytes: Uint8Array) => void) {
    super({ allowHalfOpen: false });
    this.channel = transport.secret;
    this.#socket = socket;
    this.#records = opened(incoming, transport);
    this.#transport = transport;
    this.#hear = hear;
    socket.once('close', () => this.destroy());
  }

  override _read(): void {
    this.#records.next().then(
      ({ done, value }) => {
        if (done) return void this.push(null);
        this.#hear(value);
        // Copied: the cipher uses its memory again.
        this.push(Buffer.from(value));
      },
      (error: Error) => this.destroy(error),
    );
  }

  override _write(chunk: Bytes, _encoding: string, done: (error?: Error) => void): void {
    this.#hear(chunk);
    this.#seal(chunk).then(() => done(), done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  async #seal(bytes: Bytes): Promise<void> {
    for await (const frame of sealed(bytes, this.#transport))
      await new Promise<void>((resolve) => this.#socket.write(frame, () => resolve()));
  }
}
