/** A certificate for servers on this machine, made when they start: no key lies in the repository. */
import { generate } from 'selfsigned';

/** PEM texts. */
export interface Certificate {
  key: string;
  /** Signed by its own key, so it is the `ca` that clients trust as well. */
  cert: string;
}

/** For `localhost` and 127.0.0.1. */
export async function makeCertificate(): Promise<Certificate> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  return { key, cert };
}
