/** Reads the server name out of a TLS ClientHello, as a censor does who puts the stream together again. */

/** More than a ClientHello with post-quantum keys takes; what is longer, nobody keeps. */
export const HELLO_MAX = 16 * 1024;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;

/**
 * @param stream what the client has sent so far, from its first byte on
 * @returns `undefined` when it is no ClientHello, or one without a name
 */
export function readServerName(stream: Buffer): 'more' | { name: string } | undefined {
  if (stream.length > HELLO_MAX) return undefined;
  const hello = firstMessage(stream);
  if (hello === 'more' || !hello) return hello;
  try {
    return nameIn(hello);
  } catch (error) {
    // One of its lengths leads out of it.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** RFC 8446 section 5.1: one message may go over several records. */
function firstMessage(stream: Buffer): Buffer | 'more' | undefined {
  let joined = Buffer.alloc(0);
  for (let at = 0; ; ) {
    if (joined.length > 0 && joined[0] !== CLIENT_HELLO) return undefined;
    const end = joined.length < 4 ? Number.POSITIVE_INFINITY : 4 + joined.readUIntBE(1, 3);
    if (joined.length >= end) return joined.subarray(4, end);
    if (at < stream.length && stream[at] !== HANDSHAKE) return undefined;
    if (at + 5 > stream.length) return 'more';
    const next = at + 5 + stream.readUInt16BE(at + 3);
    joined = Buffer.concat([joined, stream.subarray(at + 5, next)]);
    at = next;
  }
}

/** RFC 8446 section 4.1.2, RFC 6066 section 3. Throws a RangeError where it ends too early. */
function nameIn(hello: Buffer): { name: string } | undefined {
  let at = 2 + 32; // legacy_version, random
  const number = (size: number): number => {
    at += size;
    return hello.readUIntBE(at - size, size);
  };
  // legacy_session_id, cipher_suites, legacy_compression_methods
  for (const size of [1, 2, 1]) {
    const length = number(size);
    at += length;
  }
  number(2); // the length of all extensions
  while (at < hello.length) {
    const [type, length] = [number(2), number(2)];
    if (type === SERVER_NAME) {
      at += 3; // the list's length, and a type: host_name is the only one
      const nameLength = number(2);
      return { name: hello.toString('latin1', at, at + nameLength).toLowerCase() };
    }
    at += length;
  }
  return undefined;
}
