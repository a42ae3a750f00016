/** Which cipher this runtime gets: native where it works, noble for what is missing. */
import { EMPTY } from '../protocol/bytes.ts';
import { type Awaitable, type Cipher, native, nativeAgreement, nativeSymmetric } from '../protocol/cipher.ts';

async function works(attempt: () => Awaitable<unknown>): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch {
    return false;
  }
}

let chosen: Promise<Cipher> | undefined;

/**
 * Tried once. Browsers without X25519 may seal natively all the same; an insecure origin or React Native has neither.
 * noble is only loaded where it is needed.
 */
export function cipherForThisRuntime(): Promise<Cipher> {
  chosen ??= choose();
  return chosen;
}

async function choose(): Promise<Cipher> {
  const [agreement, symmetric] = await Promise.all([
    works(() => nativeAgreement.publicKey(new Uint8Array(32))),
    works(() => nativeSymmetric.hkdf(EMPTY, EMPTY, 32)),
  ]);
  if (agreement && symmetric) return native;
  const { noble } = await import('../protocol/noble.ts');
  return { ...noble, ...(agreement ? nativeAgreement : {}), ...(symmetric ? nativeSymmetric : {}) };
}
