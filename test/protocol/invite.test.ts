import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EMPTY, toUtf8 } from '../../protocol/bytes.ts';
import { native } from '../../protocol/carrier/cipher.ts';
import { noble } from '../../protocol/carrier/noble.ts';
import { INVITE_BACKENDS_MAX, INVITE_ID, INVITE_MAX } from '../../protocol/limits.ts';
import { decodeInvite, type Invite, inviteKeyOf, openInvite, signInvite } from '../../protocol/permits/invite.ts';
import { own } from './helpers.ts';

const key = await inviteKeyOf(native, new Uint8Array(32).fill(7));
const invite: Invite = {
  id: new Uint8Array(INVITE_ID).fill(1),
  expires: 1_900_000_000_000,
  sessions: 3,
  backends: 'chat.example.org:5223',
};

const any: fc.Arbitrary<Invite> = fc.record({
  id: fc.uint8Array({ minLength: INVITE_ID, maxLength: INVITE_ID }).map(own),
  expires: fc.integer({ min: 0, max: 0xffffffff }).map((seconds) => seconds * 1000),
  sessions: fc.integer({ min: 0, max: 0xffff }),
  backends: fc.string({ unit: 'grapheme-ascii', maxLength: INVITE_BACKENDS_MAX }),
});

describe('an invite', () => {
  test('comes back as it was signed, and fits a hello', async () => {
    await fc.assert(
      fc.asyncProperty(any, async (value) => {
        const signed = await signInvite(native, key, value);
        expect(signed.length).toBeLessThanOrEqual(INVITE_MAX);
        expect(await openInvite(native, key, signed)).toEqual(value);
        expect(decodeInvite(signed)).toEqual(value);
      }),
      { numRuns: 100 },
    );
  });

  test('is signed alike by every cipher', async () => {
    expect(await inviteKeyOf(noble, new Uint8Array(32).fill(7))).toEqual(key);
    expect(await signInvite(noble, key, invite)).toEqual(await signInvite(native, key, invite));
  });

  test('is good under its own key only', async () => {
    const other = await inviteKeyOf(native, new Uint8Array(32).fill(8));
    expect(await openInvite(native, other, await signInvite(native, key, invite))).toBeUndefined();
  });

  test('is none once any bit of it is another, or its end is missing, or there is more', async () => {
    const signed = await signInvite(native, key, invite);
    for (let bit = 0; bit < signed.length * 8; bit += 1) {
      const flipped = signed.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(await openInvite(native, key, flipped)).toBeUndefined();
    }
    for (let length = 0; length < signed.length; length += 1)
      expect(await openInvite(native, key, signed.slice(0, length))).toBeUndefined();
    expect(await openInvite(native, key, Uint8Array.of(...signed, 0))).toBeUndefined();
    expect(await openInvite(native, key, EMPTY)).toBeUndefined();
  });

  test('of a later version is none, though it is signed', async () => {
    const signed = await signInvite(native, key, invite);
    const body = signed.slice(0, -16);
    body[0] = 2;
    const later = Uint8Array.of(...body, ...(await native.hmac(key, body)).slice(0, 16));
    expect(await openInvite(native, key, later)).toBeUndefined();
  });

  test('has no room for more backends than fit', async () => {
    const tooMany = { ...invite, backends: 'x'.repeat(INVITE_BACKENDS_MAX + 1) };
    await expect(signInvite(native, key, tooMany)).rejects.toThrow(RangeError);
    await expect(
      signInvite(native, key, { ...invite, backends: 'x'.repeat(INVITE_BACKENDS_MAX) }),
    ).resolves.toHaveLength(INVITE_MAX);
  });

  test('random bytes are none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: INVITE_MAX }).map(own), async (bytes) => {
        expect(await openInvite(native, key, bytes)).toBeUndefined();
        decodeInvite(bytes);
      }),
    );
    expect(decodeInvite(toUtf8('no invite'))).toBeUndefined();
  });
});
