/** The three ciphers against published vectors and against each other. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { type Bytes, EMPTY, toUtf8 } from '../../protocol/bytes.ts';
import { type Awaitable, nonces, type Seal } from '../../protocol/carrier/cipher.ts';
import { noble } from '../../protocol/carrier/noble.ts';
import { RECORD_MAX, TAG } from '../../protocol/limits.ts';
import { CIPHERS, failure, flipped, fromHex, own } from './helpers.ts';

const key32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(own);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map(own);
const plain = async (value: Awaitable<Bytes>) => new Uint8Array(await value);
/** A result that is no promise lasts until the next call. */
const kept = (value: Awaitable<Bytes>) => (value instanceof Promise ? value : new Uint8Array(value));

describe.each(CIPHERS)('%s: published vectors', (_name, cipher) => {
  test('X25519, RFC 7748 section 5.2', async () => {
    const shared = await cipher.sharedSecret(
      fromHex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'),
      fromHex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c'),
    );
    expect(shared).toEqual(fromHex('c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552'));
  });

  test('X25519, RFC 7748 section 6.1', async () => {
    const alice = fromHex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
    const bob = fromHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
    const alicePublic = fromHex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a');
    const bobPublic = fromHex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
    const shared = fromHex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742');
    expect(await cipher.publicKey(alice)).toEqual(alicePublic);
    expect(await cipher.publicKey(bob)).toEqual(bobPublic);
    expect(await cipher.sharedSecret(alice, bobPublic)).toEqual(shared);
    expect(await cipher.sharedSecret(bob, alicePublic)).toEqual(shared);
  });

  test('SHA-256, FIPS 180-2 appendix B.1', async () => {
    const digest = await cipher.sha256(toUtf8('abc'));
    expect(digest).toEqual(fromHex('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'));
  });

  test('HMAC-SHA-256, RFC 4231 cases 1, 2 and 6', async () => {
    expect(await cipher.hmac(new Uint8Array(20).fill(0x0b), toUtf8('Hi There'))).toEqual(
      fromHex('b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'),
    );
    expect(await cipher.hmac(toUtf8('Jefe'), toUtf8('what do ya want for nothing?'))).toEqual(
      fromHex('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'),
    );
    const longKey = new Uint8Array(131).fill(0xaa);
    expect(await cipher.hmac(longKey, toUtf8('Test Using Larger Than Block-Size Key - Hash Key First'))).toEqual(
      fromHex('60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54'),
    );
  });

  test('HKDF, RFC 5869 case 3', async () => {
    expect(await cipher.hkdf(EMPTY, new Uint8Array(22).fill(0x0b), 42)).toEqual(
      fromHex('8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8'),
    );
  });

  test('AES-256-GCM, cases 13 and 14 of its specification', async () => {
    const seal = await cipher.sealer(new Uint8Array(32));
    expect(await plain(seal(0, EMPTY, EMPTY))).toEqual(fromHex('530f8afbc74536b9a963b4f1c4cb738b'));
    expect(await plain(seal(0, EMPTY, new Uint8Array(16)))).toEqual(
      fromHex('cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919'),
    );
  });
});

test('the nonce is four zero bytes and the counter, big-endian (Noise section 12.4)', () => {
  const nonce = nonces();
  expect(nonce(0x01_02_03_04_05_06)).toEqual(fromHex('000000000000010203040506'));
  expect(nonce(0)).toEqual(new Uint8Array(12));
});

describe.each(CIPHERS.filter(([name]) => name !== 'noble'))('%s equals noble', (_name, cipher) => {
  test('X25519', async () => {
    await fc.assert(
      fc.asyncProperty(key32, key32, async (secret, other) => {
        const peer = await noble.publicKey(other);
        expect(await cipher.publicKey(other)).toEqual(peer);
        expect(await cipher.sharedSecret(secret, peer)).toEqual(await noble.sharedSecret(secret, peer));
        // A peer's key may be any 32 bytes, the topmost bit set as well.
        expect(await cipher.sharedSecret(secret, other)).toEqual(await noble.sharedSecret(secret, other));
      }),
      { numRuns: 25 },
    );
  });

  test('SHA-256, HMAC, HKDF', async () => {
    await fc.assert(
      fc.asyncProperty(
        bytes(200).filter((key) => key.length > 0),
        bytes(300),
        fc.integer({ min: 1, max: 96 }),
        async (key, data, length) => {
          expect(await cipher.sha256(data)).toEqual(await noble.sha256(data));
          expect(await cipher.hmac(key, data)).toEqual(await noble.hmac(key, data));
          expect(await cipher.hkdf(key, data, length)).toEqual(await noble.hkdf(key, data, length));
        },
      ),
      { numRuns: 150 },
    );
  });

  test('AES-GCM, each opening what the other sealed', async () => {
    const counters = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    await fc.assert(
      fc.asyncProperty(key32, counters, bytes(100), bytes(3000), async (key, count, associated, plaintext) => {
        const sealed = await plain((await cipher.sealer(key))(count, associated, plaintext));
        expect(sealed).toEqual(await plain((await noble.sealer(key))(count, associated, plaintext)));
        expect(sealed.length).toBe(plaintext.length + TAG);
        expect(await plain((await cipher.opener(key))(count, associated, sealed))).toEqual(plaintext);
        expect(await plain((await noble.opener(key))(count, associated, sealed))).toEqual(plaintext);
      }),
      { numRuns: 150 },
    );
  });
});

describe.each(CIPHERS)('%s has read its arguments when it returns', (_name, cipher) => {
  // The carrier encodes every record in the same memory.
  const spoiled = async (run: (bytes: Bytes, associated: Bytes) => Awaitable<Bytes>, bytes: Bytes) => {
    const [given, associated] = [own(bytes), own(toUtf8('associated'))];
    const result = run(given, associated);
    given.fill(0xff);
    associated.fill(0xff);
    return plain(result);
  };

  test.each([0, 1, 1000, 65_000])('%i bytes', async (length) => {
    const key = new Uint8Array(32).fill(7);
    const bytes = new Uint8Array(length).fill(1);
    const seal = await cipher.sealer(key);
    const open = await cipher.opener(key);
    const sealed = await plain((await noble.sealer(key))(5, toUtf8('associated'), bytes));
    expect(await spoiled((given, associated) => seal(5, associated, given), bytes)).toEqual(sealed);
    expect(await spoiled((given, associated) => open(5, associated, given), sealed)).toEqual(bytes);
    // The nonce as well, which every call writes to the same place.
    const [first, second] = [kept(seal(1, EMPTY, bytes)), kept(seal(2, EMPTY, bytes))];
    const reference = await noble.sealer(key);
    expect([await plain(first), await plain(second)]).toEqual([
      await plain(reference(1, EMPTY, bytes)),
      await plain(reference(2, EMPTY, bytes)),
    ]);
  });
});

describe.each(CIPHERS)('%s opens nothing that was tampered with', (_name, cipher) => {
  test('key, counter, associated data, any bit, any length', async () => {
    const byte = fc.uint8Array({ minLength: 1, maxLength: 40 }).map(own);
    await fc.assert(
      fc.asyncProperty(
        key32,
        fc.nat(1000),
        byte,
        bytes(60),
        fc.nat(),
        async (key, count, associated, plaintext, at) => {
          const sealed = await plain((await cipher.sealer(key))(count, associated, plaintext));
          const open = await cipher.opener(key);
          expect(await plain(open(count, associated, sealed))).toEqual(plaintext);
          const refused = (run: () => unknown) => failure(run);
          await refused(() => open(count + 1, associated, sealed));
          await refused(() => open(count, flipped(associated, at % (8 * associated.length)), sealed));
          await refused(() => open(count, EMPTY, sealed));
          await refused(() => open(count, associated, flipped(sealed, at % (8 * sealed.length))));
          await refused(() => open(count, associated, flipped(sealed, 8 * sealed.length - 1 - (at % (8 * TAG)))));
          await refused(() => open(count, associated, sealed.slice(0, at % sealed.length)));
          const otherKey = await cipher.opener(flipped(key, at % 256));
          await refused(() => otherKey(count, associated, sealed));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a tag cut short is no tag', async () => {
    const open = await cipher.opener(new Uint8Array(32));
    const sealed = await plain((await cipher.sealer(new Uint8Array(32)))(0, EMPTY, EMPTY));
    for (let length = 0; length < TAG; length++) {
      await failure(() => open(0, EMPTY, sealed.slice(0, length)));
      await failure(() => open(0, EMPTY, sealed.slice(TAG - length)));
    }
  });
});

test.runIf('transfer' in ArrayBuffer.prototype)('node:crypto: sealing leaves no memory to be collected', () => {
  const seal = nodeCipher.sealer(new Uint8Array(32)) as Seal;
  const plaintext = new Uint8Array(RECORD_MAX - TAG);
  seal(0, EMPTY, plaintext);
  const before = process.memoryUsage().arrayBuffers;
  for (let counter = 1; counter <= 100; counter += 1) seal(counter, EMPTY, plaintext);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5 * RECORD_MAX);
});
