/** One carrier: frames into sealed records, one in each WebSocket message, and back. */
import type { WebSocket } from 'ws';
import { decodeFrames, encodeFrames, type Frame } from '../codec/frames.ts';
import { open, seal, TAG } from '../codec/primitives.ts';

export const RECORD_MAX = 65_535;
const NONE = Buffer.alloc(0);

/** What a record takes of an allowance (appendix A). */
export const RECORD_COST_MIN = 640;
const RECORD_HEADERS = 30;
export const costOf = (length: number): number => Math.max(RECORD_COST_MIN, length + RECORD_HEADERS);

export interface LineEvents {
  /** @param length of the record */
  frames(frames: Frame[], length: number): void;
  wrong(code: 'bad-record' | 'bad-frame', why: string, plaintext?: Buffer): void;
  closed(): void;
}

type Event = { message: Buffer; isBinary: boolean } | 'closed';

export class Line {
  readonly #socket: WebSocket;
  readonly #sealKey: Buffer;
  readonly #openKey: Buffer;
  #sealed = 0;
  #opened = 0;
  #events: LineEvents | undefined;
  #waiting: Event[] = [];
  /** What was sent, and what has come, as an allowance counts it. */
  sent = 0;
  heard = 0;
  isClosed = false;
  isFrozen = false;

  constructor(socket: WebSocket, sealKey: Buffer, openKey: Buffer) {
    this.#socket = socket;
    this.#sealKey = sealKey;
    this.#openKey = openKey;
    socket.on('message', (message: Buffer, isBinary: boolean) => this.#take({ message, isBinary }));
    socket.on('close', () => this.#take('closed'));
    // A message that is too long, or no WebSocket's: the line is closed then.
    socket.on('error', () => {});
  }

  /** What has come before is told first. */
  listen(events: LineEvents): void {
    this.#events = events;
    for (const event of this.#waiting.splice(0)) this.#tell(event, events);
  }

  #take(event: Event): void {
    if (event === 'closed') this.isClosed = true;
    if (this.#events) this.#tell(event, this.#events);
    else this.#waiting.push(event);
  }

  #tell(event: Event, events: LineEvents): void {
    if (event === 'closed') return events.closed();
    const { message, isBinary } = event;
    this.heard += costOf(message.length);
    if (!isBinary) return events.wrong('bad-record', 'a message is text');
    if (message.length < TAG || message.length > RECORD_MAX)
      return events.wrong('bad-record', `a record has ${message.length} bytes`);
    let plaintext: Buffer;
    try {
      plaintext = open(this.#openKey, this.#opened, NONE, message);
      this.#opened += 1;
    } catch {
      return events.wrong('bad-record', `the record of counter ${this.#opened} does not open`);
    }
    try {
      events.frames(decodeFrames(plaintext), message.length);
    } catch (error) {
      events.wrong('bad-frame', `a plaintext is no frames: ${(error as Error).message}`, plaintext);
    }
  }

  send(frames: Frame[]): void {
    this.seal(encodeFrames(frames));
  }

  seal(plaintext: Buffer): void {
    const record = seal(this.#sealKey, this.#sealed++, NONE, plaintext);
    this.sent += costOf(record.length);
    this.raw(record);
  }

  /** Any message, sealed or not. */
  raw(message: Buffer | string): void {
    if (!this.isFrozen) this.#socket.send(message);
  }

  close(): void {
    this.#socket.close();
  }

  /** As a network does that drops a connection. */
  cut(): void {
    this.#socket.terminate();
  }

  /** As a network does that lets nothing more through, without a word to either end. */
  freeze(): void {
    this.isFrozen = true;
    this.#socket.pause();
    this.#events = { frames() {}, wrong() {}, closed() {} };
  }
}
