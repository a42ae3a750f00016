/**
 * What a TLS ClientHello shows to everybody on the way (RFC 8446 section 4.1.2), and what the ClientHello of a real
 * Chromium shows.
 */
import { once } from 'node:events';
import net from 'node:net';
import { chromium } from 'playwright-core';
import { concat, Reader } from '../protocol/bytes.ts';
import { listen } from '../test/support/network/listen.ts';
import { findProgram } from '../test/support/program.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** The fields of a ClientHello as text; lists keep their order. */
export type Fingerprint = Record<string, string>;

const EXTENSIONS: Record<number, string> = {
  0: 'server_name',
  5: 'status_request',
  10: 'supported_groups',
  11: 'ec_point_formats',
  13: 'signature_algorithms',
  16: 'alpn',
  18: 'sct',
  21: 'padding',
  22: 'encrypt_then_mac',
  23: 'extended_master_secret',
  27: 'compress_certificate',
  35: 'session_ticket',
  41: 'pre_shared_key',
  43: 'supported_versions',
  45: 'psk_key_exchange_modes',
  49: 'post_handshake_auth',
  51: 'key_share',
  17613: 'application_settings',
  65037: 'encrypted_client_hello',
  65281: 'renegotiation_info',
};
const GROUPS: Record<number, string> = {
  23: 'P-256',
  24: 'P-384',
  25: 'P-521',
  29: 'X25519',
  30: 'X448',
  256: 'ffdhe2048',
  257: 'ffdhe3072',
  4588: 'X25519MLKEM768',
};

/** RFC 8701: values that mean nothing, so that servers learn to ignore unknown values. */
const isGrease = (value: number) => (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
const hex = (value: number) => value.toString(16).padStart(4, '0');
const named = (names: Record<number, string>) => (value: number) =>
  isGrease(value) ? 'GREASE' : (names[value] ?? hex(value));

/** @param record the ClientHello's record, without the record's header of five bytes; more bytes may follow */
export function fingerprintOf(record: Bytes): Fingerprint {
  const hello = new Reader(record);
  hello.take(4);
  const version = hello.u16();
  hello.take(32);
  const sessionId = hello.sized8().length;
  const ciphers = numbers(hello.sized16());
  hello.sized8();
  const extensions = new Map<number, Bytes>();
  const all = new Reader(hello.sized16());
  while (all.remaining > 0) extensions.set(all.u16(), all.sized16());
  const listIn = (type: number) => {
    const value = extensions.get(type);
    return value ? numbers(new Reader(value).sized16()) : [];
  };
  const versions = extensions.get(43);
  return {
    length: `${record.length}`,
    version: hex(version),
    'session id': `${sessionId} bytes`,
    ciphers: ciphers.map(named({})).join(' '),
    extensions: [...extensions.keys()].map(named(EXTENSIONS)).join(' '),
    groups: listIn(10).map(named(GROUPS)).join(' '),
    'key shares': keyShares(extensions.get(51)).map(named(GROUPS)).join(' '),
    signatures: listIn(13).map(hex).join(' '),
    versions: versions ? numbers(new Reader(versions).sized8()).map(named({})).join(' ') : '',
    ALPN: names(extensions.get(16)).join(' '),
  };
}

function numbers(bytes: Bytes): number[] {
  const reader = new Reader(bytes);
  return Array.from({ length: bytes.length / 2 }, () => reader.u16());
}

function keyShares(value: Bytes | undefined): number[] {
  const groups: number[] = [];
  const reader = new Reader(value ? new Reader(value).sized16() : new Uint8Array(0));
  while (reader.remaining > 0) {
    groups.push(reader.u16());
    reader.sized16();
  }
  return groups;
}

function names(value: Bytes | undefined): string[] {
  const found: string[] = [];
  const reader = new Reader(value ? new Reader(value).sized16() : new Uint8Array(0));
  while (reader.remaining > 0) found.push(Buffer.from(reader.sized8()).toString('latin1'));
  return found;
}

/**
 * The fingerprint of a real Chromium's WebSocket; `undefined` where no Chromium is installed. Chromium shuffles the
 * extensions for each ClientHello.
 */
export async function chromiumsFingerprint(): Promise<{ version: string; fingerprint: Fingerprint } | undefined> {
  const executablePath = findProgram('chromium');
  if (!executablePath) return undefined;
  const server = net.createServer();
  const { port, close } = await listen(server);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    const connected = once(server, 'connection');
    await page.evaluate((url) => void new WebSocket(url), `wss://localhost:${port}/`);
    const [socket] = (await connected) as [net.Socket];
    return { version: browser.version(), fingerprint: fingerprintOf(await firstRecord(socket)) };
  } finally {
    await browser.close();
    await close();
  }
}

async function firstRecord(socket: net.Socket): Promise<Bytes> {
  let received: Bytes = new Uint8Array(0);
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Bytes];
    received = concat(received, chunk);
    const length = received.length < 5 ? Infinity : new Reader(received.subarray(3)).u16();
    if (received.length >= 5 + length) return received.slice(5, 5 + length);
  }
}
