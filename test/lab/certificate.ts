/** The relay's certificate in the lab: a chain as long as Cloudflare's, which is most of what a carrier takes to set up. */
import { generate } from 'selfsigned';
import type { Certificate } from '../support/fixtures/certificate.ts';

export interface Chain extends Certificate {
  /** What clients trust. Servers send it too, as the chain's second certificate. */
  ca: string;
}

/** Both are padded with names: an elliptic key and its signature leave a certificate of half a kilobyte. */
const NAMES = 23;

/** One of the relay's: a name that is not this machine's own. */
export const RELAY_NAME = 'number-00.of.relay.of.the.lab.example';

/**
 * For `localhost`; 2.5 KB without the Base64.
 * @param notBeforeDate when the relay's part begins to be valid
 */
export async function makeChain(notBeforeDate = new Date()): Promise<Chain> {
  const ca = await generate([{ name: 'commonName', value: 'lab' }], {
    ...elliptic,
    extensions: [{ name: 'basicConstraints', cA: true }, namesOf(fillers('authority'))],
  });
  const leaf = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...elliptic,
    extensions: [namesOf(['localhost', ...fillers('relay')])],
    notBeforeDate,
    ca: { key: ca.private, cert: ca.cert },
  });
  return { key: leaf.private, cert: `${leaf.cert.trim()}\n${ca.cert}`, ca: ca.cert };
}

const elliptic = { keyType: 'ec', algorithm: 'sha256' } as const;

function namesOf(names: string[]) {
  return { name: 'subjectAltName' as const, altNames: names.map((value) => ({ type: 2 as const, value })) };
}

function fillers(what: string): string[] {
  return Array.from(
    { length: NAMES },
    (_, number) => `number-${String(number).padStart(2, '0')}.of.${what}.of.the.lab.example`,
  );
}
