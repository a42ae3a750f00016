/**
 * Sends a ClientHello in parts: several TLS records, each in a packet of its own. A filter that looks for the relay's
 * name in one packet, or in one record, does not find the name. A filter that puts the handshake together again does.
 */

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type Bytes, Malformed, Reader } from '../../../protocol/bytes.ts';

type Done = (error?: Error | null) => void;

// RFC 8446 section 5.1, section 4, RFC 6066 section 3.
const CHANGE_CIPHER_SPEC = 20;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const RECORD_HEADER = 5;
const LABEL_SEPARATOR = 46;

/** A TCP connection for `tls.connect({ socket })`. Passes everything on, and cuts the ClientHello into parts. */
export class SplitHello extends Duplex {
  readonly #tcp: Socket;
  /** The bytes so far of a record that is not whole yet; `undefined` once no ClientHello can follow. */
  #held: Buffer<ArrayBuffer> | undefined = Buffer.alloc(0);

  constructor(tcp: Socket) {
    super();
    this.#tcp = tcp.setNoDelay();
    tcp.on('data', (bytes) => {
      if (!this.push(bytes)) tcp.pause();
    });
    tcp.on('end', () => this.push(null));
    tcp.on('error', (error) => this.destroy(error));
    tcp.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#tcp.resume();
  }

  override _write(bytes: Buffer<ArrayBuffer>, _encoding: BufferEncoding, done: Done): void {
    if (this.#held) this.#send(this.#parts(bytes), done);
    else this.#tcp.write(bytes, done);
  }

  /** TLS hands on several records at a time: one system call is enough. */
  override _writev(chunks: { chunk: Buffer<ArrayBuffer> }[], done: Done): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: Done): void {
    this.#tcp.end(done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#tcp.destroy();
    done(error);
  }

  /** Writes one part after another: a part that is written while another write is under way shares its packet. */
  #send([part, ...rest]: Uint8Array[], done: Done): void {
    if (!part) return done();
    this.#tcp.write(part, (error) => (error ? done(error) : this.#send(rest, done)));
  }

  /**
   * The records that are whole by now. After a HelloRetryRequest there is a second ClientHello, behind a
   * ChangeCipherSpec.
   */
  #parts(bytes: Buffer<ArrayBuffer>): Uint8Array[] {
    const parts: Uint8Array[] = [];
    let rest = Buffer.concat([this.#held ?? Buffer.alloc(0), bytes]);
    while (rest.length > RECORD_HEADER) {
      const isHello = rest[0] === HANDSHAKE && rest[RECORD_HEADER] === CLIENT_HELLO;
      if (!isHello && rest[0] !== CHANGE_CIPHER_SPEC) {
        this.#held = undefined;
        return [...parts, rest];
      }
      const end = RECORD_HEADER + rest.readUInt16BE(3);
      if (rest.length < end) break;
      const record = rest.subarray(0, end);
      parts.push(...(isHello ? splitRecord(record) : [record]));
      rest = rest.subarray(end);
    }
    this.#held = rest;
    return parts;
  }
}

/**
 * Splits a record with a ClientHello into several, cut in the middle of each label of the server name. So no part has
 * the name, and no part has the end of the name, by which a whole zone is filtered. A record without a name stays
 * whole.
 */
export function splitRecord(record: Bytes): Bytes[] {
  const message = record.subarray(RECORD_HEADER);
  const cuts = [0, ...cutsIn(message), message.length];
  return cuts.slice(1).map((end, index) => {
    const part = message.subarray(cuts[index], end);
    const bytes = new Uint8Array(RECORD_HEADER + part.length);
    // Copy type and version from the record.
    bytes.set(record.subarray(0, 3));
    bytes.set([part.length >> 8, part.length & 0xff], 3);
    bytes.set(part, RECORD_HEADER);
    return bytes;
  });
}

function cutsIn(message: Bytes): number[] {
  const found = nameIn(message);
  if (!found) return [];
  const cuts: number[] = [];
  let label = 0;
  for (let at = 0; at <= found.name.length; at += 1) {
    if (at < found.name.length && found.name[at] !== LABEL_SEPARATOR) continue;
    cuts.push(found.start + Math.floor((label + at) / 2));
    label = at + 1;
  }
  return cuts;
}

/** RFC 8446 section 4.1.2. */
function nameIn(message: Bytes): { start: number; name: Bytes } | undefined {
  try {
    const reader = new Reader(message);
    // Type and length of the message, legacy_version, random; then legacy_session_id, cipher_suites,
    // legacy_compression_methods.
    reader.take(4 + 2 + 32);
    reader.sized8();
    reader.sized16();
    reader.sized8();
    // The length of all extensions.
    reader.u16();
    while (reader.remaining > 0) {
      const type = reader.u16();
      const value = reader.sized16();
      if (type !== SERVER_NAME) continue;
      const start = message.length - reader.remaining - value.length;
      // The length of the list and the type of its only name; then the length of the name.
      const names = new Reader(value);
      names.take(3);
      return { start: start + 5, name: names.sized16() };
    }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
  }
  return undefined;
}
