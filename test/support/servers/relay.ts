/**
 * The relay of most tests: what `wrangler deploy` would upload, under plain workerd. It is bundled once for all of them, and starts in a
 * tenth of what wrangler's own harness takes. That one (`test/support/servers/harness-relay.ts`) is for tests of what only wrangler has: rate limits,
 * folders of assets, logs.
 */
import { inject } from 'vitest';
import { nodeCipher } from '../../../client/node/cipher.ts';
import { toBase64url } from '../../../protocol/bytes.ts';
import { formatLink } from '../../../protocol/permits/link.ts';
import { makeCertificate } from '../fixtures/certificate.ts';
import { random } from '../fixtures/open-hello.ts';
import { serve } from './workerd.ts';

export interface Relay {
  /** `http://127.0.0.1:port/`: an open relay's bare address. */
  origin: string;
  link: string;
  close(): Promise<void>;
}

/**
 * @param vars variables of the Worker beside its key, such as `BACKENDS`.
 * @param secret the key: a new one, unless another relay's place is to be taken.
 */
export async function startRelay(vars: Record<string, string>, secret = random(32)): Promise<Relay> {
  const { port, stop } = await serve(
    inject('worker'),
    { ...vars, RELAY_KEY: toBase64url(secret) },
    await makeCertificate(),
  );
  const origin = `http://127.0.0.1:${port}/`;
  return { origin, link: formatLink({ url: origin, key: await nodeCipher.publicKey(secret) }), close: stop };
}
