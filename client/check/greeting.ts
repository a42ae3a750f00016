/**
 * The first bytes of a chat service's app, made anew each time, and the beginning of its server's answer. A check needs
 * no more of a protocol: only the backend could answer so.
 */
import { type Bytes, concat, toUtf8, Writer } from '../../protocol/bytes.ts';
import { random } from '../random.ts';

/** The protocol of a backend, as in the relay's `BACKENDS`. */
export type Speech = 'tls' | 'whatsapp';

export function greeting(speech: Speech, host: string): Bytes {
  return speech === 'tls' ? clientHello(host) : whatsappHello();
}

/** Whether an answer begins as the backend's answer does. */
export function isAnswer(speech: Speech, [first, second, , fourth]: Bytes): boolean {
  // A TLS record (RFC 8446 section 5.1) of a handshake or an alert. In both cases a TLS server has read the greeting.
  if (speech === 'tls') return (first === 22 || first === 21) && second === 3;
  // Three bytes of length, then a protocol buffer whose only field is `serverHello`.
  return fourth === 0x1a;
}

// --- TLS ----------------------------------------------------------------------------------------------------------

/** Cipher suites of TLS 1.3 and 1.2, as OpenSSL offers them. */
const SUITES = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009c, 0x009d];
const X25519 = 0x001d;
const GROUPS = [X25519, 0x0017, 0x0018];
const SIGNATURES = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
const VERSIONS = [0x0304, 0x0303];

/** A ClientHello (RFC 8446 section 4.1.2), in one record. */
function clientHello(host: string): Bytes {
  const extensions = concat(
    ...(isName(host) ? [extension(0, sized16(concat(Uint8Array.of(0), sized16(toUtf8(host)))))] : []), // server_name
    extension(10, sized16(numbers(GROUPS))), // supported_groups
    extension(11, Uint8Array.of(1, 0)), // ec_point_formats
    extension(13, sized16(numbers(SIGNATURES))), // signature_algorithms
    extension(23, new Uint8Array(0)), // extended_master_secret
    extension(43, sized8(numbers(VERSIONS))), // supported_versions
    extension(45, Uint8Array.of(1, 1)), // psk_key_exchange_modes
    // Any 32 bytes are a public key.
    extension(51, sized16(concat(numbers([X25519]), sized16(random(32))))), // key_share
  );
  const hello = concat(
    numbers([0x0303]), // legacy_version
    random(32),
    sized8(random(32)), // legacy_session_id
    sized16(numbers(SUITES)),
    sized8(Uint8Array.of(0)), // legacy_compression_methods
    sized16(extensions),
  );
  const message = concat(Uint8Array.of(1, 0), sized16(hello));
  return concat(Uint8Array.of(22, 3, 1), sized16(message));
}

/** Whether the host is a name. An address is not sent as a name (RFC 6066 section 3). */
function isName(host: string): boolean {
  return !/^[\d.]+$|^\[/.test(host);
}

function extension(type: number, body: Bytes): Bytes {
  return concat(numbers([type]), sized16(body));
}

function numbers(values: number[]): Bytes {
  return Uint8Array.from(values.flatMap((value) => [value >> 8, value & 0xff]));
}

function sized8(body: Bytes): Bytes {
  return new Writer(new Uint8Array(1 + body.length)).sized8(body, body.length).bytes;
}

function sized16(body: Bytes): Bytes {
  return new Writer(new Uint8Array(2 + body.length)).sized16(body, body.length).bytes;
}

// --- WhatsApp -----------------------------------------------------------------------------------------------------

/**
 * `WA` and the version of its protocol, then three bytes of length, then the first message of a Noise handshake: a
 * protocol buffer `clientHello { ephemeral }`.
 */
function whatsappHello(): Bytes {
  return concat(Uint8Array.of(0x57, 0x41, 6, 3, 0, 0, 36, 0x12, 34, 0x0a, 32), random(32));
}
