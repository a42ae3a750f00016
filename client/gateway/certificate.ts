/**
 * A certificate for the gateway's own TLS, made at each start: nobody else has its key, and no key lies on the disk.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import net from 'node:net';
import { bits, boolean, explicit, implicit, integer, octets, oid, sequence, set, text, time } from './der.ts';

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
const KEY_USAGE = '2.5.29.15';
const SUBJECT_ALT_NAME = '2.5.29.17';
const BASIC_CONSTRAINTS = '2.5.29.19';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

const DAY = 24 * 60 * 60_000;

/** Some clients refuse a longer validity; a clock may be a day off. */
const VALID_DAYS = 397;

/** PEM texts. */
export interface Certificate {
  key: string;
  cert: string;
}

/**
 * A certificate signed by its own key, ECDSA on P-256.
 * @param names DNS names, IPv4 and IPv6 addresses; the first one is the subject
 * @throws TypeError when `names` is empty
 */
export function makeCertificate(names: readonly string[], now = Date.now()): Certificate {
  const [first] = names;
  if (!first) throw new TypeError('A certificate needs a name');
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid(ECDSA_WITH_SHA256));
  const name = sequence(set(sequence(oid(COMMON_NAME), text(first))));
  // RFC 5280 section 4.1.
  const signed = sequence(
    explicit(0, integer(Buffer.of(2))),
    integer(randomBytes(16)),
    algorithm,
    name,
    sequence(time(new Date(now - DAY)), time(new Date(now + VALID_DAYS * DAY))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, extensions(names)),
  );
  const certificate = sequence(signed, algorithm, bits(sign('sha256', signed, privateKey)));
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem(certificate) };
}

/** RFC 5280 section 4.2. The bit in the key usage is digitalSignature. */
function extensions(names: readonly string[]): Buffer {
  return sequence(
    critical(BASIC_CONSTRAINTS, sequence()),
    critical(KEY_USAGE, bits(Buffer.of(0x80), 7)),
    sequence(oid(EXTENDED_KEY_USAGE), octets(sequence(oid(SERVER_AUTH)))),
    sequence(oid(SUBJECT_ALT_NAME), octets(sequence(...names.map(altName)))),
  );
}

function critical(id: string, content: Buffer): Buffer {
  return sequence(oid(id), boolean(true), octets(content));
}

/** RFC 5280 section 4.2.1.6: dNSName is [2], iPAddress [7]. */
function altName(name: string): Buffer {
  return net.isIP(name) ? implicit(7, addressBytes(name)) : implicit(2, Buffer.from(name, 'ascii'));
}

function addressBytes(address: string): Buffer {
  if (net.isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // The URL writes the address as groups only; `::` stands for the missing groups.
  const { hostname } = new URL(`http://[${address}]`);
  const [head = '', tail] = hostname.slice(1, -1).split('::');
  const left = groups(head);
  const right = groups(tail ?? '');
  return Buffer.from([...left, ...new Array<number>(16 - left.length - right.length).fill(0), ...right]);
}

function groups(text: string): number[] {
  const numbers = text.split(':').filter((group) => group !== '');
  return numbers.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
