/** The part of MQTT 3.1.1 that a chat needs: one connection, QoS 1. (MQTT.js has all of MQTT, in 100 KiB more.) */
import { type Bytes, concat, EMPTY, fromUtf8, Malformed, Reader, toUtf8, Writer } from 'puente/bytes';
import type { Incoming } from './incoming.ts';

/** The packets that a server sends. */
export type Packet =
  | { type: 'connack'; code: number }
  | { type: 'publish'; payload: Bytes; packetId: number }
  | { type: 'puback'; packetId: number }
  | { type: 'suback' | 'pingresp' };

/** The longest packet, in bytes: a message of this app is far shorter. */
const PACKET_MAX = 65_536;

// Control packet types and their flags (section 2.2), as a first byte.
const CONNECT = 0x10;
const CONNACK = 0x20;
const PUBLISH = 0x30;
const PUBACK = 0x40;
const SUBSCRIBE = 0x82;
const SUBACK = 0x90;
const PINGREQ = 0xc0;
const PINGRESP = 0xd0;
const DISCONNECT = 0xe0;

const QOS_1 = 0x02;
const DUP = 0x08;

export interface Login {
  clientId: string;
  userName: string;
  password: Bytes;
  /** Seconds after which a server may take a silent client for gone. */
  keepAlive: number;
}

/**
 * Section 3.1. The flag CleanSession is not set: the server keeps the session, with its waiting messages, when the
 * connection ends.
 */
export function connect({ clientId, userName, password, keepAlive }: Login): Bytes {
  const flags = 0x80 | 0x40; // a user name, a password
  const header = concat(text('MQTT'), Uint8Array.of(4, flags), u16(keepAlive));
  return packet(CONNECT, header, text(clientId), text(userName), sized(password));
}

/** Section 3.8. */
export function subscribe(topic: string, packetId: number): Bytes {
  return packet(SUBSCRIBE, u16(packetId), text(topic), Uint8Array.of(1));
}

/** Section 3.3. @param again the message may have been sent before, on a connection that was lost */
export function publish(topic: string, payload: Bytes, packetId: number, again: boolean): Bytes {
  return packet(PUBLISH | QOS_1 | (again ? DUP : 0), text(topic), u16(packetId), payload);
}

/** Section 3.4. */
export function puback(packetId: number): Bytes {
  return packet(PUBACK, u16(packetId));
}

export const PING: Bytes = packet(PINGREQ);
export const GOODBYE: Bytes = packet(DISCONNECT);

/**
 * The next packet; nothing at the stream's end.
 * @throws Malformed
 */
export async function takePacket(incoming: Incoming): Promise<Packet | undefined> {
  const first = await incoming.take(1);
  const length = first && (await takeLength(incoming));
  if (length === undefined) return undefined;
  const body = await incoming.take(length);
  return body && decode(first?.[0] as number, new Reader(body));
}

function decode(first: number, body: Reader): Packet {
  // Every packet but PUBLISH has one fixed first byte.
  switch ((first & 0xf0) === PUBLISH ? PUBLISH : first) {
    case CONNACK:
      return { type: 'connack', code: body.u16() & 0xff };
    case PUBLISH: {
      fromUtf8(body.sized16()); // the topic: there is only one
      const packetId = first & QOS_1 ? body.u16() : 0;
      return { type: 'publish', packetId, payload: body.take(body.remaining) };
    }
    case PUBACK:
      return { type: 'puback', packetId: body.u16() };
    case SUBACK:
      return { type: 'suback' };
    case PINGRESP:
      return { type: 'pingresp' };
    default:
      throw new Malformed();
  }
}

// --- fields -------------------------------------------------------------------------------------------------------

function u16(value: number): Bytes {
  return Uint8Array.of(value >>> 8, value);
}

function sized(bytes: Bytes): Bytes {
  return new Writer(new Uint8Array(2 + bytes.length)).sized16(bytes, 65_535).bytes;
}

function text(value: string): Bytes {
  return sized(toUtf8(value));
}

function packet(first: number, ...parts: Bytes[]): Bytes {
  const body = parts.length > 0 ? concat(...parts) : EMPTY;
  return concat(Uint8Array.of(first), lengthOf(body.length), body);
}

/** Section 2.2.3: seven bits in each byte, the lowest first; the eighth bit says that another byte follows. */
function lengthOf(length: number): Bytes {
  const digits: number[] = [];
  for (let rest = length; digits.length === 0 || rest > 0; rest = Math.floor(rest / 128))
    digits.push((rest % 128) | (rest > 127 ? 0x80 : 0));
  return Uint8Array.from(digits);
}

async function takeLength(incoming: Incoming): Promise<number | undefined> {
  let length = 0;
  for (let factor = 1; factor < 128 ** 4; factor *= 128) {
    const digit = (await incoming.take(1))?.[0];
    if (digit === undefined) return undefined;
    length += (digit & 0x7f) * factor;
    if (length > PACKET_MAX) break;
    if (digit < 0x80) return length;
  }
  throw new Malformed();
}
