/**
 * The cipher seam, in the way that is best in workerd. Browsers may not export a public key that they did not import:
 * https://bugzilla.mozilla.org/show_bug.cgi?id=2000795
 */
import { type Bytes, fromBase64url } from '../protocol/bytes.ts';
import { type Cipher, native, privateKey } from '../protocol/carrier/cipher.ts';

const { subtle } = crypto;

export const cipher: Cipher = {
  ...native,
  /**
   * The import of the secret has already computed the public key. Import and export take 22 us. To derive the key from
   * the base point takes 55 us (docs/performance.md).
   */
  async publicKey(secret) {
    const { x } = (await subtle.exportKey('jwk', await privateKey(secret))) as JsonWebKey;
    return fromBase64url(x as string) as Bytes;
  },
};
