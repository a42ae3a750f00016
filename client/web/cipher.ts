/** Which cipher this runtime gets: native where it works, noble for what is missing. */
import { EMPTY } from '../../protocol/bytes.ts';
import { type Cipher, native, nativeAgreement, nativeSymmetric } from '../../protocol/carrier/cipher.ts';

let chosen: Promise<Cipher> | undefined;

/**
 * Tried once. Browsers without X25519 may seal natively all the same; an insecure origin or React Native has neither.
 * noble is only loaded where it is needed.
 */
export function cipherForThisRuntime(): Promise<Cipher> {
  chosen ??= choose();
  // noble may have been out of reach for the moment.
  chosen.catch(() => {
    chosen = undefined;
  });
  return chosen;
}

async function choose(): Promise<Cipher> {
  const attempts = [nativeAgreement.publicKey(new Uint8Array(32)), nativeSymmetric.hkdf(EMPTY, EMPTY, 32)];
  const [agreement, symmetric] = (await Promise.allSettled(attempts)).map(({ status }) => status === 'fulfilled');
  if (agreement && symmetric) return native;
  const { noble } = await import('../../protocol/carrier/noble.ts');
  return { ...noble, ...(agreement && nativeAgreement), ...(symmetric && nativeSymmetric) };
}
