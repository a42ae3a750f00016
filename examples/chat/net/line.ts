/**
 * One connection to the server: MQTT in Noise, on a stream of bytes. The way of a byte: packet → sealed record → frame
 * → the relay's session, or a WebSocket.
 */
import { type Code, PuenteError } from 'puente';
import { type Bytes, concat, EMPTY, fromBase64url } from 'puente/bytes';
import { noble } from 'puente/noble';
import { type Initiator, initiate, type Transport } from 'puente/noise';
import { type Identity, inboxOf, keyOf, proofOf, topicOf } from './identity.ts';
import { Incoming } from './incoming.ts';
import { connect, type Packet, PING, subscribe, takePacket } from './mqtt.ts';
import { random } from './random.ts';
import { type ByteStream, piecesOf } from './stream.ts';
import {
  CLIENT_HELLO,
  decodeHandshake,
  encodeHandshake,
  framed,
  HEADER,
  opened,
  PROLOGUE,
  SERVER_HELLO,
  sealed,
  takeFrame,
} from './wire.ts';

/** Time limit for a connection, in milliseconds: a little more than a relay takes to say why there is none. */
const OPEN_TIME = 25_000;
/** Time limit for each of the server's first two answers, in milliseconds. */
const ANSWER_TIME = 10_000;
/** Milliseconds between two pings. */
const PING_EVERY = 45_000;
/**
 * Seconds after which the server may take a silent page for gone: longer than a relay keeps a session whose carrier is
 * cut.
 */
const KEEP_ALIVE = 240;

const SUBSCRIBE_ID = 65_535;

export class Line {
  readonly #writer: WritableStreamDefaultWriter<Bytes>;
  readonly #transport: Transport;
  readonly #packets: Incoming;
  #isMended = false;
  #isAnswered = true;
  #written: Promise<void> = Promise.resolve();

  private constructor(writer: WritableStreamDefaultWriter<Bytes>, transport: Transport, frames: Incoming) {
    this.#writer = writer;
    this.#transport = transport;
    this.#packets = new Incoming(opened(frames, transport));
  }

  /**
   * Resolves when the server has let this user in.
   * @param frontKey the server's X25519 key
   * @param open begins a stream, which ends when `over` is aborted
   * @throws PuenteError
   */
  static async open(
    open: () => ByteStream,
    frontKey: string,
    identity: Identity,
    over: AbortController,
  ): Promise<Line> {
    const key = keyOf(frontKey);
    const handshake = await initiate(noble, PROLOGUE, key, random(32));
    const hello = await handshake.writeHello(EMPTY);
    if (over.signal.aborted) throw new PuenteError('aborted');
    const stream = open();
    const writer = stream.writable.getWriter();
    over.signal.addEventListener('abort', () => void writer.abort().catch(() => {}));
    // Write before the stream is open: through a relay this costs no round trip of its own.
    writer.write(concat(HEADER, framed(encodeHandshake(CLIENT_HELLO, hello)))).catch(() => {});
    await within(OPEN_TIME, stream.opened, 'timeout');
    const frames = new Incoming(piecesOf(stream.readable));
    const transport = await answered(readAnswer(frames, handshake));
    const line = new Line(writer, transport, frames);
    await line.#enter(identity, key);
    line.#pingUntil(over);
    return line;
  }

  async #enter(identity: Identity, frontKey: Bytes): Promise<void> {
    const inbox = inboxOf(identity.code);
    const shared = noble.sharedSecret(fromBase64url(identity.secret) as Bytes, frontKey);
    const password = proofOf(shared, this.#transport.secret);
    const login = connect({ clientId: inbox, userName: identity.code, password, keepAlive: KEEP_ALIVE });
    // Send both packets in one write: the waiting messages come right behind the answer.
    this.write(concat(login, subscribe(topicOf(inbox), SUBSCRIBE_ID)));
    const answer = await answered(this.next());
    if (answer.type !== 'connack' || answer.code !== 0) throw new PuenteError('backend-strange');
  }

  /** Set while the connection is being mended: nothing can be heard now, and the server is not silent. */
  set isMended(isMended: boolean) {
    this.#isMended = isMended;
    // A ping that was under way at the cut has had no time to be answered.
    this.#isAnswered = true;
  }

  /** Writes a packet; `next` tells of a failure. */
  write(packet: Bytes): Promise<void> {
    // Write records one after another: a record's place is in its seal.
    this.#written = this.#written.then(async () => {
      for await (const frame of sealed(packet, this.#transport)) await this.#writer.write(frame);
    });
    return this.#written.catch(() => {});
  }

  /** @throws PuenteError when the line is lost */
  async next(): Promise<Packet> {
    const packet = await understood(takePacket(this.#packets));
    if (!packet) throw new PuenteError('backend-reset');
    this.#isAnswered = true;
    return packet;
  }

  #pingUntil(over: AbortController): void {
    if (over.signal.aborted) return;
    const timer = setInterval(() => {
      if (this.#isMended) return;
      if (!this.#isAnswered) return over.abort();
      this.#isAnswered = false;
      this.write(PING);
    }, PING_EVERY);
    over.signal.addEventListener('abort', () => clearInterval(timer));
  }
}

async function readAnswer(frames: Incoming, handshake: Initiator): Promise<Transport> {
  const answer = await understood(takeFrame(frames));
  if (!answer) throw new PuenteError('backend-reset');
  const read = async () => handshake.readGrant(decodeHandshake(SERVER_HELLO, answer));
  return (await understood(read())).transport;
}

/**
 * Bytes that do not parse, or that the server did not seal, come from somebody else. Nobody answers to a spoilt key.
 */
export const asPuenteError = (error: unknown): PuenteError =>
  error instanceof PuenteError ? error : new PuenteError('backend-strange');

async function understood<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw asPuenteError(error);
  }
}

const answered = <T>(answer: Promise<T>): Promise<T> => within(ANSWER_TIME, answer, 'backend-silent');

/** @throws PuenteError with this code when the promise takes longer */
async function within<T>(ms: number, promise: Promise<T>, code: Code): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new PuenteError(code)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
