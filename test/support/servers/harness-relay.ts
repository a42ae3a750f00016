/** A relay on this machine: the Worker of this repository under wrangler's own workerd, with a key made for it. */
import './offline.ts';
import { fileURLToPath } from 'node:url';
import { createTestHarness } from 'wrangler';
import { nodeCipher } from '../../../client/node/cipher.ts';
import { toBase64url } from '../../../protocol/bytes.ts';
import { formatLink } from '../../../protocol/permits/link.ts';

export interface LocalRelay {
  /** `http://127.0.0.1:port/`: an open relay's bare address. */
  origin: string;
  link: string;
  /** What the Worker has printed since it started. */
  logs(): string;
  close(): Promise<void>;
}

/**
 * @param vars variables of the Worker beside its key, such as `BACKENDS`.
 * @param secret the key: a new one, unless another relay's place is to be taken.
 * @param configPath of its wrangler.toml, from the repository's root.
 */
export async function startRelay(
  vars: Record<string, string>,
  secret = crypto.getRandomValues(new Uint8Array(32)),
  configPath = 'wrangler.toml',
): Promise<LocalRelay> {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const harness = createTestHarness({
    root,
    workers: [{ configPath, vars, secrets: { RELAY_KEY: toBase64url(secret) } }],
  });
  const { url } = await harness.listen();
  return {
    origin: url.href,
    link: formatLink({ url: url.href, key: await nodeCipher.publicKey(secret) }),
    logs: () =>
      harness
        .getLogs()
        .map((line) => JSON.stringify(line))
        .join('\n'),
    close: () => harness.close(),
  };
}
