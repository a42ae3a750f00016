/**
 * The cipher seam: the few operations that Noise_NK_25519_AESGCM_SHA256 stands on. Natively WebCrypto; `noble.ts`
 * where an operation is missing, and as the reference that tests hold the others against.
 */
import type { Bytes } from './bytes.ts';

export type Awaitable<T> = T | Promise<T>;

/** AES-256-GCM (NIST SP 800-38D) with Noise's nonce: four zero bytes, then `counter` as a big-endian u64. */
export type Seal = (counter: number, associated: Bytes, plaintext: Bytes) => Awaitable<Bytes>;
/** The inverse; throws or rejects when the tag does not match. */
export type Open = (counter: number, associated: Bytes, sealed: Bytes) => Awaitable<Bytes>;

export interface Cipher {
  /** X25519 (RFC 7748) of a 32-byte secret and the base point. */
  publicKey(secret: Bytes): Awaitable<Bytes>;
  /** X25519 of a secret and a peer's key; throws or rejects when the result is all zero (RFC 7748 section 6.1). */
  sharedSecret(secret: Bytes, peer: Bytes): Awaitable<Bytes>;
  sha256(data: Bytes): Awaitable<Bytes>;
  hmac(key: Bytes, data: Bytes): Awaitable<Bytes>;
  /** RFC 5869 with SHA-256 and empty info, which is exactly Noise's HKDF (Noise section 4.3). */
  hkdf(salt: Bytes, material: Bytes, length: number): Awaitable<Bytes>;
  /** A 32-byte key seals or opens, never both: two functions, so that no key can serve two directions. */
  sealer(key: Bytes): Awaitable<Seal>;
  opener(key: Bytes): Awaitable<Open>;
}

export type Agreement = Pick<Cipher, 'publicKey' | 'sharedSecret'>;
export type Symmetric = Omit<Cipher, keyof Agreement>;

export function nonce(counter: number): Bytes {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setBigUint64(4, BigInt(counter));
  return bytes;
}

// --- native: WebCrypto ------------------------------------------------------------------------------------------

// A raw X25519 secret cannot be imported; PKCS#8 (RFC 8410 section 7) is the same 32 bytes behind this.
const PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);
const BASE_POINT = new Uint8Array(32);
BASE_POINT[0] = 9;

async function x25519(secret: Bytes, peer: Bytes): Promise<Bytes> {
  const pkcs8 = new Uint8Array(PKCS8.length + secret.length);
  pkcs8.set(PKCS8);
  pkcs8.set(secret, PKCS8.length);
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey('pkcs8', pkcs8, 'X25519', false, ['deriveBits']),
    crypto.subtle.importKey('raw', peer, 'X25519', false, []),
  ]);
  const bits = await crypto.subtle.deriveBits({ name: 'X25519', public: publicKey }, privateKey, 256);
  return checkedSecret(new Uint8Array(bits));
}

/** Not every implementation refuses a point of small order by itself. */
export function checkedSecret(shared: Bytes): Bytes {
  if (shared.every((byte) => byte === 0)) throw new Error('X25519: all-zero result');
  return shared;
}

export const nativeAgreement: Agreement = {
  publicKey: (secret) => x25519(secret, BASE_POINT),
  sharedSecret: x25519,
};

export const nativeSymmetric: Symmetric = {
  async sha256(data) {
    return new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  },
  async hmac(key, data) {
    const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    return new Uint8Array(await crypto.subtle.sign('HMAC', imported, data));
  },
  async hkdf(salt, material, length) {
    const imported = await crypto.subtle.importKey('raw', material, 'HKDF', false, ['deriveBits']);
    const parameters = { name: 'HKDF', hash: 'SHA-256', salt, info: new Uint8Array(0) };
    return new Uint8Array(await crypto.subtle.deriveBits(parameters, imported, length * 8));
  },
  async sealer(key) {
    const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
    return async (counter, associated, plaintext) => {
      const parameters = { name: 'AES-GCM', iv: nonce(counter), additionalData: associated };
      return new Uint8Array(await crypto.subtle.encrypt(parameters, imported, plaintext));
    };
  },
  async opener(key) {
    const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
    return async (counter, associated, sealed) => {
      const parameters = { name: 'AES-GCM', iv: nonce(counter), additionalData: associated };
      return new Uint8Array(await crypto.subtle.decrypt(parameters, imported, sealed));
    };
  },
};

/** WebCrypto alone: Workers, Node and current browsers have all of it. */
export const native: Cipher = { ...nativeAgreement, ...nativeSymmetric };
