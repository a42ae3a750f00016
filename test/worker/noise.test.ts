/** The relay's cipher where it runs: workerd's WebCrypto against the published vectors and against noble. */
import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../protocol/bytes.ts';
import { noble } from '../../protocol/carrier/noble.ts';
import { initiate, Responder, relayKeyOf } from '../../protocol/carrier/noise.ts';
import { cipher } from '../../worker/cipher.ts';
import { NOISE_NK } from '../protocol/vectors.ts';

const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));

function fromHex(text = ''): Bytes {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

const secrets = {
  client: fromHex(NOISE_NK.clientEphemeralSecret),
  relay: fromHex(NOISE_NK.relaySecret),
  relayEphemeral: fromHex(NOISE_NK.relayEphemeralSecret),
};

describe('in workerd', () => {
  it("the relay's cipher gives the published messages", async () => {
    const prologue = fromHex(NOISE_NK.prologue);
    const key = await relayKeyOf(cipher, secrets.relay, prologue);
    expect(key.publicKey).toEqual(fromHex(NOISE_NK.relayPublicKey));
    const [hello, grant, third, fourth] = NOISE_NK.messages;
    const initiator = await initiate(cipher, prologue, key.publicKey, secrets.client);
    const message = await initiator.writeHello(fromHex(hello?.payload));
    expect(message).toEqual(fromHex(hello?.ciphertext));
    const responder = await Responder.readHello(cipher, key, message);
    expect(responder.payload).toEqual(fromHex(hello?.payload));
    const granted = await responder.writeGrant(fromHex(grant?.payload), secrets.relayEphemeral);
    expect(granted.message).toEqual(fromHex(grant?.ciphertext));
    const { transport } = await initiator.readGrant(granted.message);
    expect(await transport.seal(fromHex(third?.payload))).toEqual(fromHex(third?.ciphertext));
    expect(await granted.transport.seal(fromHex(fourth?.payload))).toEqual(fromHex(fourth?.ciphertext));
  });

  it.each([0, 1, 1400, 65_519])('it and noble agree on %i bytes', async (length) => {
    const [key, associated, plaintext] = [random(32), random(32), random(length)];
    const sealed = await (await cipher.sealer(key))(7, associated, plaintext);
    expect(sealed).toEqual(await (await noble.sealer(key))(7, associated, plaintext));
    expect(await (await cipher.opener(key))(7, associated, sealed)).toEqual(plaintext);
    await expect((async () => (await cipher.opener(key))(8, associated, sealed))()).rejects.toThrow();
    expect(await cipher.hkdf(key, plaintext, 96)).toEqual(await noble.hkdf(key, plaintext, 96));
    expect(await cipher.hmac(key, plaintext)).toEqual(await noble.hmac(key, plaintext));
    const peer = await noble.publicKey(associated);
    expect(await cipher.publicKey(associated)).toEqual(peer);
    expect(await cipher.sharedSecret(key, peer)).toEqual(await noble.sharedSecret(key, peer));
  });

  it("the relay's cipher has read its arguments when it returns", async () => {
    const key = random(32);
    const [seal, open] = [await cipher.sealer(key), await cipher.opener(key)];
    const plaintext = random(65_000);
    const [given, copy] = [plaintext.slice(), new Uint8Array(0)];
    const sealing = seal(1, copy, given);
    given.fill(0);
    const sealed = await sealing;
    expect(await (await noble.opener(key))(1, copy, sealed)).toEqual(plaintext);
    const opening = open(1, copy, sealed);
    sealed.fill(0);
    expect(await opening).toEqual(plaintext);
  });

  it('both refuse a point of small order', async () => {
    for (const { sharedSecret } of [cipher, noble])
      await expect((async () => sharedSecret(random(32), new Uint8Array(32)))()).rejects.toThrow();
  });
});
