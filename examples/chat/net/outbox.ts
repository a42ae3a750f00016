/** What is on its way to the server, in order: kept until the server says that it has it, so that it outlives connections. */
import type { Bytes } from '../../../protocol/bytes.ts';

/** Of a few KiB at most each. */
export const WAITING_MAX = 200;

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
    return this.#waiting.size >= WAITING_MAX;
  }

  /**
   * @param id of a message: whoever wrote it wants to know when the server has it
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
