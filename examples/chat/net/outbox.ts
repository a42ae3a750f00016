/** What is on its way to the server, in order: kept until the server says that it has it, so that it outlives connections. */
import type { Bytes } from 'puente/bytes';

/** Messages, of a few KiB at most each. */
export const WAITING_MAX = 200;

/** Acknowledgements, of some hundred bytes each: as many as come of what has gathered for somebody who was away. */
const ACKS_MAX = 1000;

export interface Waiting {
  /** MQTT's packet identifier. */
  packetId: number;
  topic: string;
  payload: Bytes;
  /** Of the message, where it is one. */
  id?: string;
  /** Whether it was sent on some connection. */
  wasSent: boolean;
}

export class Outbox {
  /** By packet identifier; a Map keeps the order. */
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  get isFull(): boolean {
    return this.#count((id) => id !== undefined) >= WAITING_MAX;
  }

  /** They have places of their own, or a stranger could fill those of messages. */
  get isFullOfAcks(): boolean {
    return this.#count((id) => id === undefined) >= ACKS_MAX;
  }

  #count(counts: (id: string | undefined) => boolean): number {
    return [...this.#waiting.values()].filter(({ id }) => counts(id)).length;
  }

  /**
   * @param id of a message: whoever wrote it wants to know when the server has it. An acknowledgement has none.
   * @returns the packet identifier
   */
  add(topic: string, payload: Bytes, id?: string): number {
    // Far fewer wait than there are identifiers, so one that comes round again is free.
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

  /** Packet identifiers, those first that came first. */
  all(): number[] {
    return [...this.#waiting.keys()];
  }
}
