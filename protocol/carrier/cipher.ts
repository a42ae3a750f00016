/**
 * The cipher seam: the few operations that Noise_NK_25519_AESGCM_SHA256 needs. WebCrypto does them natively. `noble.ts`
 * does them where WebCrypto lacks one. It is also the reference that tests hold the others against.
 */
import { type Bytes, concat } from '../bytes.ts';

export type Awaitable<T> = T | Promise<T>;

/**
 * AES-256-GCM (NIST SP 800-38D) with Noise's nonce: four zero bytes, then `counter` as a big-endian u64. The function
 * has read its arguments when it returns, even where its result is a promise. The caller may write to their memory at
 * once. A result that is not a promise is the caller's until the next call.
 */
export type Seal = (counter: number, associated: Bytes, plaintext: Bytes) => Awaitable<Bytes>;
/** The inverse of {@link Seal}; throws or rejects when the tag does not match. */
export type Open = (counter: number, associated: Bytes, sealed: Bytes) => Awaitable<Bytes>;

export interface Cipher {
  /**
   * X25519 (RFC 7748) of a 32-byte secret and the base point. An implementation may store keys by the arrays that hold
   * them: nobody writes to these arrays.
   */
  publicKey(secret: Bytes): Awaitable<Bytes>;
  /** X25519 of a secret and a peer's key; throws or rejects when the result is all zero (RFC 7748 section 6.1). */
  sharedSecret(secret: Bytes, peer: Bytes): Awaitable<Bytes>;
  sha256(data: Bytes): Awaitable<Bytes>;
  hmac(key: Bytes, data: Bytes): Awaitable<Bytes>;
  /** RFC 5869 with SHA-256 and empty info, which is exactly Noise's HKDF (Noise section 4.3). */
  hkdf(salt: Bytes, material: Bytes, length: number): Awaitable<Bytes>;
  /** The key is 32 bytes. A key seals or opens, never both: two functions, so that no key can serve two directions. */
  sealer(key: Bytes): Awaitable<Seal>;
  opener(key: Bytes): Awaitable<Open>;
}

export type Agreement = Pick<Cipher, 'publicKey' | 'sharedSecret'>;
export type Symmetric = Omit<Cipher, keyof Agreement>;

/** The nonces of one key, one after another in the same memory. A cipher has read a nonce before it returns. */
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

// Looked up once: in workerd each look-up is a call into C++. Absent on insecure origins, where each operation then
// throws.
const subtle = globalThis.crypto?.subtle;

// A raw X25519 secret cannot be imported. PKCS#8 (RFC 8410 section 7) is this prefix and the same 32 bytes.
const PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);
const BASE_POINT = new Uint8Array(32);
BASE_POINT[0] = 9;

async function x25519(secret: Bytes, peer: Bytes): Promise<Bytes> {
  const [ours, theirs] = await Promise.all([privateKey(secret), publicKey(peer)]);
  const bits = await subtle.deriveBits({ name: 'X25519', public: theirs }, ours, 256);
  return checkedSecret(new Uint8Array(bits));
}

/**
 * Keeps each imported key by the very array that it was imported from; nobody writes to these arrays. An ephemeral key
 * is used twice. The relay's own key and the key of its tokens are used for every hello. Imports were 0.2 ms of the 2.4
 * ms that a session's opening took.
 */
export function importedOnce<Key>(load: (bytes: Bytes) => Key): typeof load {
  const keys = new WeakMap<Bytes, Key>();
  return (bytes) => {
    const key = keys.get(bytes) ?? load(bytes);
    keys.set(bytes, key);
    return key;
  };
}

/** The X25519 private key of these 32 bytes; extractable. */
export const privateKey = importedOnce((secret) =>
  subtle.importKey('pkcs8', concat(PKCS8, secret), 'X25519', true, ['deriveBits']),
);
const publicKey = importedOnce((bytes) => subtle.importKey('raw', bytes, 'X25519', false, []));
const macKey = importedOnce((key) => subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']));

/** Throws on an all-zero result. Not every implementation refuses a point of small order by itself. */
export function checkedSecret(shared: Bytes): Bytes {
  if (shared.every((byte) => byte === 0)) throw new Error('X25519: all zero');
  return shared;
}

export const nativeAgreement: Agreement = {
  publicKey: (secret) => x25519(secret, BASE_POINT),
  sharedSecret: x25519,
};

/** The parameters of one key's calls, in the same nonce memory each time. */
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

/** WebCrypto alone: Workers, Node and current browsers have all of these operations. */
export const native: Cipher = { ...nativeAgreement, ...nativeSymmetric };
