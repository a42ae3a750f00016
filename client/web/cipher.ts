/** Chooses the cipher of this runtime: native where it works, noble for the missing operations. */
import { EMPTY } from '../../protocol/bytes.ts';
import { type Cipher, native, nativeAgreement, nativeSymmetric } from '../../protocol/carrier/cipher.ts';

let chosen: Promise<Cipher> | undefined;

/**
 * Tries the native operations once. A browser without X25519 may still seal natively. An insecure origin or React
 * Native can do neither. noble is loaded only where it is needed.
 */
export function cipherForThisRuntime(): Promise<Cipher> {
  chosen ??= choose();
  // Try again next time: noble may have failed to load only for the moment.
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
