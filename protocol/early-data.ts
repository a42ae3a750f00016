/** Tells whether an app's first bytes may be sent before the relay has answered. */
import { type Bytes, concat, Malformed, Reader } from './bytes.ts';

/**
 * Early data has no forward secrecy, and may reach a backend more than once. It is harmless only where the app's
 * protocol foresees that: a TLS ClientHello without 0-RTT data of its own, or the first flight of WhatsApp's handshake.
 */
export function isRepeatable(flight: Bytes): boolean {
  return isWhatsApp(flight) || isPlainClientHello(flight);
}

/** `WA` and a version; or `ED`, 0, 1, which begin the routing info that may stand before it. */
function isWhatsApp([first, second, third, fourth]: Bytes): boolean {
  if (first === 0x57 && second === 0x41) return third !== undefined;
  return first === 0x45 && second === 0x44 && third === 0 && fourth === 1;
}

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const EARLY_DATA = 42;

/** Exactly one ClientHello (RFC 8446 section 4.1.2), whole, without the early_data extension (section 4.2.10). */
function isPlainClientHello(flight: Bytes): boolean {
  try {
    const message = new Reader(handshakeBytes(flight));
    if (message.u8() !== CLIENT_HELLO) return false;
    if (message.u8() * 0x10000 + message.u16() !== message.remaining) return false;
    message.take(2 + 32); // legacy_version, random
    message.sized8(); // legacy_session_id
    message.sized16(); // cipher_suites
    message.sized8(); // legacy_compression_methods
    if (message.u16() !== message.remaining) return false;
    while (message.remaining > 0) {
      if (message.u16() === EARLY_DATA) return false;
      message.sized16();
    }
    return true;
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
}

/** The content of TLS records (RFC 8446 section 5.1). Every record must be of the handshake type. */
function handshakeBytes(flight: Bytes): Bytes {
  const reader = new Reader(flight);
  const fragments: Bytes[] = [];
  while (reader.remaining > 0) {
    if (reader.u8() !== HANDSHAKE || reader.u8() !== 3) throw new Malformed();
    reader.u8();
    fragments.push(reader.sized16());
  }
  return concat(...fragments);
}
