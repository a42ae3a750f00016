import { expect, it } from 'vitest';
import { native } from '../../protocol/cipher.ts';
import { cipher } from '../../worker/cipher.ts';
import { random } from '../support/open-hello.ts';

it('has the public keys that derivation from the base point gives', async () => {
  for (let round = 0; round < 200; round++) {
    const secret = random(32);
    expect(await cipher.publicKey(secret)).toEqual(await native.publicKey(secret));
  }
});
