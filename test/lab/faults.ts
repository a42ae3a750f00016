/** What censors do to connections, in parts that can be put together. */
import { HELLO_MAX, readServerName } from './client-hello.ts';
import type { Connection, Directions, Ending, Fault, Rule } from './connection.ts';

/** The same for every connection, or drawn for each. */
export type Amount = number | (() => number);

/** Each is counted for one connection, in both directions together; the first that is reached counts. */
export interface Limit {
  bytes?: Amount;
  /** With those that set up TCP. */
  packets?: Amount;
  ms?: Amount;
}

/** SYN, SYN-ACK, ACK. */
const SETUP_PACKETS = 3;
const MINUTE = 60_000;
/** Timers fire late; a throttle makes up for that much of it, in milliseconds. */
const LATENESS = 20;

export function cutAfter(limit: Limit, how: Ending): Fault {
  return (connection) => limited(connection, limit, 'both', () => connection.cut(how));
}

export function freezeAfter(limit: Limit, directions: Directions = 'both'): Fault {
  return (connection) => limited(connection, limit, directions, () => connection.freeze(directions));
}

function limited(connection: Connection, limit: Limit, directions: Directions, after: () => void): Rule {
  const ms = drawn(limit.ms);
  if (ms < Number.POSITIVE_INFINITY) void connection.wait(ms).then(after);
  let bytes = drawn(limit.bytes);
  let packets = drawn(limit.packets) - SETUP_PACKETS;
  return (packet, direction) => {
    const isLimited = directions === 'both' || directions === direction;
    const pass = packets > 0 ? Math.min(packet.length, bytes) : 0;
    bytes = Math.max(0, bytes - packet.length);
    packets -= 1;
    if (bytes > 0 && packets > 0) return undefined;
    return isLimited ? { pass, after } : { after };
  };
}

function drawn(amount: Amount = Number.POSITIVE_INFINITY): number {
  return typeof amount === 'number' ? amount : amount();
}

/** For both directions of a connection together. */
export function throttle(bytesPerSecond: number): Fault {
  return (connection) => {
    let free = 0;
    return async ({ length }) => {
      free = Math.max(free, performance.now() - LATENESS) + (1000 * length) / bytesPerSecond;
      await connection.wait(free - performance.now());
      return undefined;
    };
  };
}

/** Each way, in milliseconds; packets stay in order. */
export function delay(ms: number, jitter = 0, random: () => number = Math.random): Fault {
  return () => () => ({ hold: ms + jitter * random() });
}

/**
 * What a filter looks at: each packet by itself, the stream of TCP, or the TLS handshake that it carries, put together again. The
 * first two find a name as bytes in a row, which a TLS record's header may come between.
 */
export type Sight = 'packet' | 'stream' | 'handshake';

/** Answers a ClientHello for one of the names, or for a name below one. Its last packet does not arrive. */
export function filterNames(names: string[], answer: 'rst' | 'freeze', sight: Sight = 'handshake'): Fault {
  return (connection) => {
    const look = sight === 'handshake' ? handshakeSight(names) : byteSight(names, sight);
    let isPast = false;
    let isCaught = false;
    return (packet, direction) => {
      if (isCaught) return { pass: 0 };
      if (isPast || direction === 'down') return undefined;
      const found = look(packet);
      isPast = found === 'none';
      if (found !== 'listed') return undefined;
      isCaught = true;
      return { pass: 0, after: () => (answer === 'rst' ? connection.cut('rst') : connection.freeze('both')) };
    };
  };
}

type Look = (packet: Buffer) => 'more' | 'none' | 'listed';

function handshakeSight(names: string[]): Look {
  let seen = Buffer.alloc(0);
  return (packet) => {
    seen = Buffer.concat([seen, packet]);
    const found = readServerName(seen);
    if (found === 'more') return 'more';
    return names.some((listed) => found?.name === listed || found?.name.endsWith(`.${listed}`)) ? 'listed' : 'none';
  };
}

function byteSight(names: string[], sight: 'packet' | 'stream'): Look {
  let seen: Buffer = Buffer.alloc(0);
  return (packet) => {
    seen = sight === 'stream' ? Buffer.concat([seen, packet]) : packet;
    if (seen.length > HELLO_MAX) return 'none';
    return names.some((listed) => seen.includes(listed)) ? 'listed' : 'more';
  };
}

/** Resets a connection at once when there were that many in the minute before it. Those that it resets do not count. */
export function limitHandshakes(perMinute: number, now = () => performance.now()): Fault {
  const recent: number[] = [];
  return (connection) => {
    while (recent[0] !== undefined && recent[0] <= now() - MINUTE) recent.shift();
    if (recent.length >= perMinute) connection.cut('rst');
    else recent.push(now());
    return undefined;
  };
}
