/** The code against `docs/vectors.json`, as the Worker runs it. */
import { test } from 'vitest';
import { cipher } from '../../worker/cipher.ts';
import { checkVectors } from '../protocol/check-vectors.ts';

test('the code comes to the same, with the Worker’s cipher', () => checkVectors(cipher));
