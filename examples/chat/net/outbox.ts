/**
 * Messages on their way to the server, in order. A message stays until the server says that it has the message, so the
 * message outlives connections.
 */
import type { Bytes } from 'puente/bytes';

/** Messages, of a few KiB at most each. */
export const WAITING_MAX = 200;

/** Acknowledgements, of some hundred bytes each: as many as the messages that may gather for somebody who was away. */
const ACKS_MAX = 1000;

export interface Waiting {
  /** MQTT's packet identifier. */
  packetId: number;
  topic: string;
  payload: Bytes;
  /** The message's id; an acknowledgement has none. */
  id?: string;
  /** Whether this was sent on some connection. */
  wasSent: boolean;
}

export class Outbox {
  /** Waiting packets by packet identifier; a Map keeps the order. */
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  get isFull(): boolean {
    return this.#count((id) => id !== undefined) >= WAITING_MAX;
  }

  /** Acknowledgements have room of their own: otherwise a stranger could fill the room of messages. */
  get isFullOfAcks(): boolean {
    return this.#count((id) => id === undefined) >= ACKS_MAX;
  }

  #count(counts: (id: string | undefined) => boolean): number {
    return [...this.#waiting.values()].filter(({ id }) => counts(id)).length;
  }

  /**
   * @param id of a message, whose writer wants to know when the server has it; an acknowledgement has none
   * @returns the packet identifier
   */
  add(topic: string, payload: Bytes, id?: string): number {
    // Far fewer packets wait than there are identifiers, so an identifier that comes round again is free.
    this.#lastId = (this.#lastId % 60_000) + 1;
    const packetId = this.#lastId;
    this.#waiting.set(packetId, { packetId, topic, payload, ...(id !== undefined && { id }), wasSent: false });
    return packetId;
  }

  get(packetId: number): Waiting | undefined {
    return this.#waiting.get(packetId);
  }

  remove(packetId: number): Waiting | undefined {
    const waiting = this.#waiting.get(packetId);
    this.#waiting.delete(packetId);
    return waiting;
  }

  /** Packet identifiers, the oldest first. */
  all(): number[] {
    return [...this.#waiting.keys()];
  }
}
