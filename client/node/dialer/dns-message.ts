/** DNS messages (RFC 1035 section 4): only the parts that a question for the addresses of a name needs. */
import { type Bytes, equal, Malformed, Reader, toUtf8, Writer } from '../../../protocol/bytes.ts';
import { HOST_CHARS_MAX } from '../../../protocol/limits.ts';

/** IPv4 and IPv6 (RFC 1035 section 3.2.2, RFC 3596). */
export const TYPES = { A: 1, AAAA: 28 } as const;
export type Type = keyof typeof TYPES;

const INTERNET = 1;
const LABEL_MAX = 63;
const HEADER = 12;
/** The first byte of a part of a name that is a pointer to another place: section 4.1.4. */
const POINTER = 0xc0;

// Some of the flags: response, truncated, and the code of a failure. Section 4.1.1.
const RESPONSE = 0x8000;
const OPCODE = 0x7800;
const TRUNCATED = 0x0200;
const RCODE = 0x000f;
const RECURSION_DESIRED = 0x0100;

/**
 * A query for the addresses of a name. The query's id is 0, as RFC 8484 section 4.1 asks.
 * @throws Malformed when `name` is no DNS name
 */
export function encodeQuery(name: string, type: Type): Bytes {
  const writer = new Writer(new Uint8Array(HEADER + HOST_CHARS_MAX + 6));
  writer.u16(0).u16(RECURSION_DESIRED).u16(1).u16(0).u16(0).u16(0);
  return writer.put(encodeQuestion(name, type)).bytes;
}

function encodeQuestion(name: string, type: Type): Bytes {
  const labels = name.replace(/\.$/, '').toLowerCase().split('.').map(toUtf8);
  if (name.length > HOST_CHARS_MAX || labels.some(({ length }) => length === 0 || length > LABEL_MAX))
    throw new Malformed();
  // A byte of length before each label; then the root's empty label, the type and the class.
  const writer = new Writer(new Uint8Array(labels.reduce((sum, { length }) => sum + 1 + length, 5)));
  for (const label of labels) writer.sized8(label, LABEL_MAX);
  return writer.u8(0).u16(TYPES[type]).u16(INTERNET).bytes;
}

/**
 * The addresses in the answer to a query of `encodeQuery`; none for a name that has no address.
 * @throws Malformed when the message is no whole and good answer to the query
 */
export function decodeAnswer(message: Bytes, name: string, type: Type): string[] {
  const reader = new Reader(message);
  reader.u16();
  const flags = reader.u16();
  if (!(flags & RESPONSE) || flags & (OPCODE | TRUNCATED | RCODE)) throw new Malformed();
  const questions = reader.u16();
  const answers = reader.u16();
  // Skip the counts of the other records, which stand behind the answers.
  reader.take(4);
  const question = encodeQuestion(name, type);
  if (questions !== 1 || !equal(lowerCase(reader.take(question.length)), question)) throw new Malformed();
  const addresses: string[] = [];
  for (let count = 0; count < answers; count += 1) {
    skipName(reader);
    const [itsType, itsClass] = [reader.u16(), reader.u16()];
    reader.u32(); // how long the address is valid
    const data = reader.sized16();
    // Other records are the aliases on the way to the address. The resolver alone says that all records belong
    // together; trust the resolver for this, as for the whole answer.
    if (itsType === TYPES[type] && itsClass === INTERNET) addresses.push(addressOf(data, type));
  }
  return addresses;
}

/**
 * Puts the question in lower case: a resolver may spell the question in another case. No byte of a length is a capital
 * letter.
 */
function lowerCase(question: Bytes): Bytes {
  return question.map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));
}

/** A name ends with an empty label, or with a pointer. The target of the pointer does not matter here. */
function skipName(reader: Reader): void {
  for (let length = 0; ; length += 1) {
    const size = reader.u8();
    if (size === 0) return;
    if ((size & POINTER) === POINTER) return void reader.u8();
    length += size;
    if (size > LABEL_MAX || length > HOST_CHARS_MAX) throw new Malformed();
    reader.take(size);
  }
}

function addressOf(data: Bytes, type: Type): string {
  if (data.length !== (type === 'A' ? 4 : 16)) throw new Malformed();
  if (type === 'A') return data.join('.');
  const reader = new Reader(data);
  return Array.from({ length: 8 }, () => reader.u16().toString(16)).join(':');
}
