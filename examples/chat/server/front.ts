/**
 * The front of the chat server, like the front of a messenger's own servers. It speaks TCP, and a Noise handshake of
 * its own under a key that the app knows. Behind the front there is an ordinary stream. `../net/wire.ts` describes the
 * bytes on the wire.
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

/** Time limit for a handshake, in milliseconds. */
const HANDSHAKE_TIME = 10_000;

/** The shortest message of a handshake, in bytes: a key, and a tag. */
const MESSAGE = 32 + 16;

/**
 * Answers one connection's handshake.
 * @param hear called with all bytes that pass behind the front
 * @returns the stream with the client, in the clear; nothing when the client is not of this app. Such a client then has
 * an answer and a closed connection.
 */
export async function accept(
  socket: Duplex,
  key: RelayKey,
  hear: (bytes: Uint8Array) => void,
): Promise<Opened | undefined> {
  // Ignore the error: an error also closes the socket, and ends the reading.
  socket.on('error', () => {});
  const timer = setTimeout(() => socket.destroy(), HANDSHAKE_TIME);
  try {
    const incoming = new Incoming(socket.iterator({ destroyOnReturn: false }));
    const header = await incoming.take(HEADER.length);
    // Check for `WA`; any version will do.
    if (header?.[0] !== HEADER[0] || header?.[1] !== HEADER[1]) throw new Error('another protocol');
    const hello = decodeHandshake(CLIENT_HELLO, (await takeFrame(incoming)) ?? EMPTY);
    const responder = await Responder.readHello(noble, key, hello).catch(() => undefined);
    if (!responder) {
      // A hello from elsewhere, such as the hello of a check, has an ephemeral key alone. A client that does not know a
      // secret of the handshake cannot tell these random bytes from the keys and the seal that it asks for.
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

/** The stream of a connection behind its seal. */
export class Opened extends Duplex {
  /** A secret that only the two ends know: see `proofOf`. */
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
        // Copy the bytes: the cipher uses its memory again.
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
