/**
 * The cipher seam: the few operations that Noise_NK_25519_AESGCM_SHA256 stands on. Natively WebCrypto; `noble.ts`
 * where an operation is missing, and as the reference that tests hold the others against.
 */
import { type Bytes, concat } from '../bytes.ts';

export type Awaitable<T> = T | Promise<T>;

/**
 * AES-256-GCM (NIST SP 800-38D) with Noise's nonce: four zero bytes, then `counter` as a big-endian u64. Has read its
 * arguments when it returns, also where its result is a promise: the memory may be written to at once. A result that is no
 * promise is the caller's until the next call.
 */
export type Seal = (counter: number, associated: Bytes, plaintext: Bytes) => Awaitable<Bytes>;
/** The inverse; throws or rejects when the tag does not match. */
export type Open = (counter: number, associated: Bytes, sealed: Bytes) => Awaitable<Bytes>;

export interface Cipher {
  /** X25519 (RFC 7748) of a 32-byte secret and the base point. Keys may be kept by the arrays that they are in: nobody writes to these. */
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

/** The nonces of one key, one after another in the same memory: a cipher has read one before it returns. */
export function nonces(): (counter: number) => Bytes {
  const writer = new DataView(new ArrayBuffer(12));
  const bytes = new Uint8Array(writer.buffer);
  return (counter) => {
    writer.setUint32(4, Math.floor(counter / 2 ** 32));
    writer.setUint32(8, counter % 2 ** 32);
    return bytes;
  };
}

// --- native: WebCrypto ------------------------------------------------------------------------------------------

// Looked up once: in workerd each look-up is a call into C++. Absent on insecure origins: then each operation throws.
const subtle = globalThis.crypto?.subtle;

// A raw X25519 secret cannot be imported; PKCS#8 (RFC 8410 section 7) is the same 32 bytes behind this.
const PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);
const BASE_POINT = new Uint8Array(32);
BASE_POINT[0] = 9;

async function x25519(secret: Bytes, peer: Bytes): Promise<Bytes> {
  const [ours, theirs] = await Promise.all([privateKey(secret), publicKey(peer)]);
  const bits = await subtle.deriveBits({ name: 'X25519', public: theirs }, ours, 256);
  return checkedSecret(new Uint8Array(bits));
}

/**
 * Keys by the very arrays that they were imported from, which nobody writes to: an ephemeral key is used twice, the
 * relay's own and that of its tokens for every hello. Imports were 0.2 ms of the 2.4 ms that a session's opening took.
 */
export function importedOnce<Key>(load: (bytes: Bytes) => Key): typeof load {
  const keys = new WeakMap<Bytes, Key>();
  return (bytes) => {
    const key = keys.get(bytes) ?? load(bytes);
    keys.set(bytes, key);
    return key;
  };
}

/** Of X25519, by its 32 bytes; extractable. */
export const privateKey = importedOnce((secret) =>
  subtle.importKey('pkcs8', concat(PKCS8, secret), 'X25519', true, ['deriveBits']),
);
const publicKey = importedOnce((bytes) => subtle.importKey('raw', bytes, 'X25519', false, []));
const macKey = importedOnce((key) => subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']));

/** Not every implementation refuses a point of small order by itself. */
export function checkedSecret(shared: Bytes): Bytes {
  if (shared.every((byte) => byte === 0)) throw new Error('X25519: all zero');
  return shared;
}

export const nativeAgreement: Agreement = {
  publicKey: (secret) => x25519(secret, BASE_POINT),
  sharedSecret: x25519,
};

/** The parameters of one key's calls, in the same object each time. */
function parameters(): (counter: number, additionalData: Bytes) => AesGcmParams {
  const nonce = nonces();
  const plain: AesGcmParams = { name: 'AES-GCM', iv: nonce(0) };
  return (counter, additionalData) => {
    nonce(counter);
    return additionalData.length > 0 ? { ...plain, additionalData } : plain;
  };
}

const viewOf = (buffer: ArrayBuffer): Bytes => new Uint8Array(buffer);

export const nativeSymmetric: Symmetric = {
  async sha256(data) {
    return new Uint8Array(await subtle.digest('SHA-256', data));
  },
  async hmac(key, data) {
    return new Uint8Array(await subtle.sign('HMAC', await macKey(key), data));
  },
  async hkdf(salt, material, length) {
    const imported = await subtle.importKey('raw', material, 'HKDF', false, ['deriveBits']);
    const parameters = { name: 'HKDF', hash: 'SHA-256', salt, info: new Uint8Array(0) };
    return new Uint8Array(await subtle.deriveBits(parameters, imported, length * 8));
  },
  async sealer(key) {
    const imported = await subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
    const parametersOf = parameters();
    return (counter, associated, plaintext) =>
      subtle.encrypt(parametersOf(counter, associated), imported, plaintext).then(viewOf);
  },
  async opener(key) {
    const imported = await subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
    const parametersOf = parameters();
    return (counter, associated, sealed) =>
      subtle.decrypt(parametersOf(counter, associated), imported, sealed).then(viewOf);
  },
};

/** WebCrypto alone: Workers, Node and current browsers have all of it. */
export const native: Cipher = { ...nativeAgreement, ...nativeSymmetric };
