/** Forged DNS: the relay's name leads to somebody else's server, which has no certificate for it that anybody trusts. */
import https from 'node:https';
import { makeCertificate } from '../support/fixtures/certificate.ts';
import { listen } from '../support/network/listen.ts';
import { startBulk } from './bulk.ts';
import type { Check } from './lab.ts';
import { startMiddlebox } from './middlebox.ts';
import { puenteTo } from './ways.ts';

const LENGTH = 1024 * 1024;
/** The client's own limit is 20 s. */
const DEADLINE = 25_000;

export const forged: Check = {
  name: 'DNS forged: another server answers',
  async run({ relay, certificate }) {
    let requests = 0;
    const server = https.createServer(await makeCertificate(), (_request, response) => {
      requests += 1;
      response.end();
    });
    const impostor = await listen(server);
    const bulk = await startBulk(LENGTH);
    const way = await puenteTo(bulk.port, relay, certificate);
    const middlebox = await startMiddlebox(impostor.port);
    try {
      const stream = way.open(middlebox.port);
      let note = 'no error';
      stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
        note = code ?? message;
      });
      const delivery = await bulk.transfer(stream, DEADLINE);
      const row = { scenario: forged.name, relay: 'puente' as const, passed: delivery.lost === 0, ...delivery };
      return {
        row: { ...row, recoverMs: 0, carriers: middlebox.accepted, note },
        asExpected: note === 'not-trusted' && delivery.delivered === 0 && requests === 0,
      };
    } finally {
      await middlebox.close();
      await way.close();
      await bulk.close();
      await impostor.close();
    }
  },
};
