/** `docs/vectors.json`, which is made without the code's help, and the code against it with each cipher that Node can run. */
import { expect, test } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { native } from '../../protocol/carrier/cipher.ts';
import { noble } from '../../protocol/carrier/noble.ts';
import { written } from '../conformance/vectors.ts';
import { checkVectors } from './check-vectors.ts';

test('docs/vectors.json is what the specification leads to', async () => {
  // `npx vitest run test/protocol/vectors.test.ts -u` writes it.
  await expect(written()).toMatchFileSnapshot('../../docs/vectors.json');
});

test.each([
  ['WebCrypto', native],
  ['noble', noble],
  ['node:crypto', nodeCipher],
])('the code comes to the same, with %s', (_, cipher) => checkVectors(cipher));
