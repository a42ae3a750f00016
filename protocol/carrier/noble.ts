/**
 * The cipher seam in plain JavaScript, for runtimes without WebCrypto: the reference twin of `native`. It shares no
 * code with `native`, so that both cannot have the same mistake. A bundler can therefore also leave this file out in
 * one piece.
 */
import { gcm } from '@noble/ciphers/aes.js';
import { montgomery } from '@noble/curves/abstract/montgomery.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Bytes } from '../bytes.ts';
import type { Cipher } from './cipher.ts';

const P = 2n ** 255n - 19n;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

// `curves/ed25519.js` would bring the whole Edwards curve too: twice the size for one Montgomery ladder.
const x25519 = montgomery({
  P,
  type: 'x25519',
  powPminus2: (x) => power(x, P - 2n),
  // RFC 7748 section 5, decodeScalar25519.
  adjustScalarBytes(bytes: Uint8Array) {
    const [first = 0, last = 0] = [bytes[0], bytes[31]];
    bytes[0] = first & 248;
    bytes[31] = (last & 127) | 64;
    return bytes;
  },
});

function nonceOf(counter: number): Bytes {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, BigInt(counter));
  return nonce;
}

/** The cipher in plain JavaScript. Synchronous, as its type says. */
export const noble = {
  publicKey: (secret) => x25519.getPublicKey(secret),
  // Throws by itself when the result is all zero.
  sharedSecret: (secret, peer) => x25519.getSharedSecret(secret, peer),
  sha256: (data) => sha256(data),
  hmac: (key, data) => hmac(sha256, key, data),
  hkdf: (salt, material, length) => hkdf(sha256, material, salt, undefined, length),
  sealer: (key) => (counter, associated, plaintext) => gcm(key, nonceOf(counter), associated).encrypt(plaintext),
  opener: (key) => (counter, associated, sealed) => gcm(key, nonceOf(counter), associated).decrypt(sealed),
} satisfies Cipher;
