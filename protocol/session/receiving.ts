/** Applies the frames of a record to a session. */
import type { Bytes } from '../bytes.ts';
import { type Code, PuenteError, resetOf } from '../errors.ts';
import type { Frame, Offsets } from './frames.ts';
import type { SessionEvents } from './parts.ts';
import type { Sending, Speakers } from './sending.ts';

export class Receiving {
  readonly #of: Speakers;
  readonly #sending: Sending;
  readonly #events: SessionEvents;

  constructor(of: Speakers, sending: Sending, events: SessionEvents) {
    this.#of = of;
    this.#sending = sending;
    this.#events = events;
  }

  /**
   * Applies one frame. Returns the reason when the peer has reset the session.
   * @throws PuenteError for a frame that breaks the rules
   */
  apply(frame: Frame, now: number): Code | undefined {
    switch (frame.type) {
      case 'data':
        this.#data(frame.offset, frame.bytes, now);
        break;
      case 'ack':
        this.#ack(frame, now);
        break;
      case 'fin':
        this.#fin(frame.offset, now);
        break;
      case 'reset':
        // A code of a later version still ends the session.
        return resetOf(frame.code) ?? 'aborted';
      case 'stop':
        this.#stop();
        break;
      case 'ping':
        this.#sending.pong = frame.id;
        break;
      case 'pong':
        this.#pong(frame.id, now);
        break;
      case 'pad':
    }
    return undefined;
  }

  #data(offset: number, bytes: Bytes, now: number): void {
    const { incoming, acks, liveness } = this.#of;
    if (!incoming.data(offset, bytes)) return;
    acks.owe(incoming, now);
    liveness.moved(now);
    liveness.received(acks.at);
    if (this.#sending.isClosed) incoming.clear();
    else this.#events.readable();
  }

  #ack(peer: Offsets, now: number): void {
    const { outgoing, liveness } = this.#of;
    const { acked } = outgoing;
    outgoing.acknowledge(peer, now);
    if (outgoing.acked > acked) {
      liveness.acked(now, outgoing.isUnderWay, outgoing.acknowledged);
      this.#sending.moved(now);
    }
    this.#events.writable();
  }

  #fin(offset: number, now: number): void {
    if (!this.#of.incoming.fin(offset)) return;
    // Acknowledge at once: the peer waits only for this to end its side.
    this.#of.acks.oweBy(now);
    this.#events.readable();
  }

  #stop(): void {
    // The sender of a STOP has written everything. A STOP without a FIN would cut its stream short.
    if (!this.#of.incoming.finished) throw new PuenteError('bad-frame');
    this.#of.outgoing.stop();
    this.#events.writable();
  }

  #pong(id: number, now: number): void {
    if (!this.#of.proof.pong(id)) return;
    this.#of.liveness.pong(now);
    this.#events.writable();
  }
}
