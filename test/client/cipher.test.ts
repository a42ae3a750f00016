/** The choice of a cipher where WebCrypto is whole, partial or absent. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';

type Import = SubtleCrypto['importKey'];

beforeEach(() => vi.resetModules());
afterEach(() => {
  vi.restoreAllMocks();
  vi.doUnmock('../../protocol/carrier/noble.ts');
});

async function choose() {
  return (await import('../../client/web/cipher.ts')).cipherForThisRuntime();
}

/** Makes `importKey` fail for some algorithms, as a browser without them does; counts the calls that got through. */
function without(missing: (algorithm: string) => boolean): { calls: number } {
  const importKey = crypto.subtle.importKey.bind(crypto.subtle) as (...parameters: unknown[]) => Promise<CryptoKey>;
  const counts = { calls: 0 };
  const guarded = (...parameters: unknown[]) => {
    const algorithm = parameters[2];
    const name = typeof algorithm === 'string' ? algorithm : (algorithm as { name: string }).name;
    if (missing(name)) return Promise.reject(new DOMException('Unrecognized name', 'NotSupportedError'));
    counts.calls += 1;
    return importKey(...parameters);
  };
  vi.spyOn(crypto.subtle, 'importKey').mockImplementation(guarded as Import);
  return counts;
}

async function expectToWork(cipher: Awaited<ReturnType<typeof choose>>) {
  const [ours, theirs] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const peer = await nodeCipher.publicKey(theirs);
  expect(await cipher.publicKey(theirs)).toEqual(peer);
  expect(await cipher.sharedSecret(ours, peer)).toEqual(await nodeCipher.sharedSecret(ours, peer));
  const seal = await cipher.sealer(ours);
  const open = await nodeCipher.opener(ours);
  expect(await open(3, theirs, await seal(3, theirs, peer))).toEqual(peer);
}

describe('the cipher', () => {
  it('is native where all of it is there, without loading noble', async () => {
    vi.doMock('../../protocol/carrier/noble.ts', () => {
      throw new Error('noble is not needed here');
    });
    await expectToWork(await choose());
  });

  it('seals natively where only X25519 is missing', async () => {
    const counts = without((name) => name === 'X25519');
    const cipher = await choose();
    counts.calls = 0;
    await expectToWork(cipher);
    expect(counts.calls).toBeGreaterThan(0);
  });

  it('needs nothing of WebCrypto', async () => {
    const counts = without(() => true);
    await expectToWork(await choose());
    expect(counts.calls).toBe(0);
  });
});
