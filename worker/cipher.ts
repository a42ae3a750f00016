/** The cipher seam as workerd does it best. Browsers may not: https://bugzilla.mozilla.org/show_bug.cgi?id=2000795 */
import { type Bytes, fromBase64url } from '../protocol/bytes.ts';
import { type Cipher, native, privateKey } from '../protocol/carrier/cipher.ts';

const { subtle } = crypto;

export const cipher: Cipher = {
  ...native,
  /** The import has worked it out: with its export that takes 22 us, from the base point 55 (docs/performance.md). */
  async publicKey(secret) {
    const { x } = (await subtle.exportKey('jwk', await privateKey(secret))) as JsonWebKey;
    return fromBase64url(x as string) as Bytes;
  },
};
