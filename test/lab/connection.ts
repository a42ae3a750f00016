/**
 * A connection through a middlebox: two sockets, a lane in each direction, and rules for what passes. What a slow lane
 * does not read waits in the kernel's buffers, up to some MB, where a real sender would slow down sooner.
 */
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** `up` is from the client. */
export type Direction = 'up' | 'down';
export type Directions = Direction | 'both';
export type Ending = 'rst' | 'fin';

/** Looks at each new connection, before it is passed on; gives the rule for its packets, if there is one. */
export type Fault = (connection: Connection) => Rule | undefined;

/** Looks at each packet, in either direction; without a verdict, it passes. A FIN is a packet without bytes. */
export type Rule = (packet: Buffer, direction: Direction) => Verdict | Promise<Verdict>;

export type Verdict =
  | {
      /** How many of its bytes pass; without this, all. */
      pass?: number;
      /** How long they are under way, in milliseconds. */
      hold?: number;
      /** Done when they have arrived. */
      after?: () => void;
    }
  | undefined;

interface Events {
  delivered(direction: Direction, bytes: number): void;
  closed(): void;
}

/** What TCP carries in a packet over Ethernet: an MTU of 1,500, less the headers of IP and TCP and TCP's timestamps. */
const PACKET = 1448;
/** Packets of one direction that are under way at once: 1.5 MB, with which a delay of 100 ms still leaves 15 MB/s. */
const UNDER_WAY_MAX = 1024;
const FIN = Buffer.alloc(0);

export class Connection {
  readonly #over = new AbortController();
  readonly #sockets: net.Socket[] = [];
  readonly #frozen = new Set<Direction>();
  readonly rules: Rule[];
  readonly events: Events;

  constructor(client: net.Socket, target: number, faults: Fault[], events: Events) {
    this.events = events;
    this.#adopt(client);
    this.rules = faults.map((fault) => fault(this)).filter((rule) => rule !== undefined);
    if (this.isOver) return;
    const onward = net.connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#adopt(onward);
    new Lane(this, 'up', client, onward);
    new Lane(this, 'down', onward, client);
  }

  #adopt(socket: net.Socket): void {
    this.#sockets.push(socket);
    // An end has reset its connection, or nobody listens at the target.
    socket.on('error', () => {
      if (!this.isFrozen) this.cut('rst');
    });
    socket.on('close', () => {
      if (!this.#sockets.every(({ closed }) => closed)) return;
      this.#over.abort();
      this.events.closed();
    });
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  get isFrozen(): boolean {
    return this.#frozen.size > 0;
  }

  passes(direction: Direction): boolean {
    return !this.isOver && !this.#frozen.has(direction);
  }

  /** RST or FIN to both ends. */
  cut(how: Ending): void {
    if (this.isOver) return;
    this.#over.abort();
    for (const socket of this.#sockets) {
      if (how === 'rst') socket.resetAndDestroy();
      // What still comes is read, and dropped: closing a socket that has unread bytes would send RST.
      else socket.end().resume();
    }
  }

  /**
   * From now on nothing passes in that direction, and no FIN or RST of an end in any. What has passed already arrives.
   * Nobody is told: the connections stay open, and what is sent fills the sender's buffers.
   */
  freeze(directions: Directions): void {
    for (const direction of ['up', 'down'] as const) {
      if (directions === direction || directions === 'both') this.#frozen.add(direction);
    }
  }

  /** Never resolves when the connection is over by then. */
  wait(ms: number): Promise<void> {
    if (this.isOver) return new Promise(() => {});
    if (ms <= 0) return Promise.resolve();
    return sleep(ms, undefined, { signal: this.#over.signal }).catch(() => new Promise(() => {}));
  }

  destroy(): void {
    this.#over.abort();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** One direction of a connection. Reads no more before what it has read is on its way. */
class Lane {
  readonly #connection: Connection;
  readonly #direction: Direction;
  readonly #from: net.Socket;
  readonly #to: net.Socket;
  /** Each packet's delivery, in order. */
  readonly #underWay: Promise<void>[] = [];

  constructor(connection: Connection, direction: Direction, from: net.Socket, to: net.Socket) {
    this.#connection = connection;
    this.#direction = direction;
    this.#from = from;
    this.#to = to;
    from.on('data', (bytes) => {
      if (!connection.isOver) void this.#take(bytes);
    });
    from.on('end', () => void this.#judge(FIN));
  }

  async #take(bytes: Buffer): Promise<void> {
    this.#from.pause();
    for (let start = 0; start < bytes.length; start += PACKET) {
      await this.#judge(bytes.subarray(start, start + PACKET));
    }
    if (this.#connection.passes(this.#direction)) this.#from.resume();
  }

  async #judge(packet: Buffer): Promise<void> {
    let passing = packet;
    let hold = 0;
    let after: (() => void) | undefined;
    for (const rule of this.#connection.rules) {
      const verdict = await rule(passing, this.#direction);
      passing = passing.subarray(0, verdict?.pass);
      hold += verdict?.hold ?? 0;
      // A later rule sees only what has passed the earlier ones: where it ends the stream, it ends it sooner.
      after = verdict?.after ?? after;
    }
    if (!this.#connection.passes(this.#direction)) return;
    if (this.#underWay.length === UNDER_WAY_MAX) await this.#underWay[0];
    const due = performance.now() + hold;
    this.#underWay.push(this.#deliver(passing, packet === FIN, due, this.#underWay.at(-1), after));
  }

  async #deliver(bytes: Buffer, isFin: boolean, due: number, before?: Promise<void>, after?: () => void) {
    await before;
    await this.#connection.wait(due - performance.now());
    if (bytes.length > 0 && (await this.#write(bytes))) {
      this.#connection.events.delivered(this.#direction, bytes.length);
    }
    if (isFin && !this.#connection.isFrozen) this.#to.end();
    after?.();
    this.#underWay.shift();
  }

  /** Resolves when the kernel has them: what waits for a slow receiver waits here. */
  #write(bytes: Buffer): Promise<boolean> {
    return new Promise((resolve) => this.#to.write(bytes, (error) => resolve(!error)));
  }
}
