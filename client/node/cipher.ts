/**
 * The cipher seam on `node:crypto`, which is synchronous. Node's WebCrypto hands every call to a thread and back. For
 * small records this costs as much as a whole round trip on a local network. WebCrypto seals and opens 200 B in 205-240
 * µs, this cipher in 46-75 µs.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { type Bytes, concat, EMPTY, free, fromBase64url, toBase64url } from '../../protocol/bytes.ts';
import { type Cipher, checkedSecret, importedOnce, nonces } from '../../protocol/carrier/cipher.ts';
import { TAG } from '../../protocol/limits.ts';

// DER around a raw key (RFC 8410 section 7).
const PKCS8 = Uint8Array.from(Buffer.from('302e020100300506032b656e04220420', 'hex'));

const OPTIONS = { authTagLength: TAG };

const privateKeyOf = importedOnce((secret) =>
  createPrivateKey({ key: Buffer.from(concat(PKCS8, secret)), format: 'der', type: 'pkcs8' }),
);

/** A public key in the form of RFC 8037. DER takes Node 20 ten times as long. */
function publicKeyOf(bytes: Bytes): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: toBase64url(bytes) }, format: 'jwk' });
}

export const nodeCipher: Cipher = {
  publicKey(secret) {
    const { x } = createPublicKey(privateKeyOf(secret)).export({ format: 'jwk' });
    return fromBase64url(x as string) as Bytes;
  },
  sharedSecret(secret, peer) {
    const shared = diffieHellman({ privateKey: privateKeyOf(secret), publicKey: publicKeyOf(peer) });
    return checkedSecret(Uint8Array.from(shared));
  },
  sha256: (data) => Uint8Array.from(createHash('sha256').update(data).digest()),
  hmac: (key, data) => Uint8Array.from(createHmac('sha256', key).update(data).digest()),
  hkdf: (salt, material, length) => new Uint8Array(hkdfSync('sha256', material, salt, EMPTY, length)),
  sealer(key) {
    const secret = createSecretKey(key);
    const nonce = nonces();
    // Put each result into the same memory. With new memory for each result, an upload took a fifth more of the
    // client's CPU (docs/performance.md).
    let memory = EMPTY;
    return (counter, associated, plaintext) => {
      const cipher = createCipheriv('aes-256-gcm', secret, nonce(counter), OPTIONS);
      if (associated.length > 0) cipher.setAAD(associated);
      const ciphertext = cipher.update(plaintext) as Buffer<ArrayBuffer>;
      cipher.final();
      const length = plaintext.length + TAG;
      if (memory.length < length) memory = new Uint8Array(length);
      memory.set(ciphertext);
      memory.set(cipher.getAuthTag(), plaintext.length);
      free(ciphertext);
      return memory.subarray(0, length);
    };
  },
  opener(key) {
    const secret = createSecretKey(key);
    const nonce = nonces();
    return (counter, associated, sealed) => {
      const decipher = createDecipheriv('aes-256-gcm', secret, nonce(counter), OPTIONS);
      if (associated.length > 0) decipher.setAAD(associated);
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
      const { buffer, byteOffset, length } = decipher.update(sealed.subarray(0, sealed.length - TAG));
      decipher.final();
      return new Uint8Array(buffer, byteOffset, length);
    };
  },
};
