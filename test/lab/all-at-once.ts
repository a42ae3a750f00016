/** What some networks do together: forge DNS, filter the name, and freeze connections to the addresses of the edge. */
import https from 'node:https';
import tls from 'node:tls';
import { createConnection, dialer } from '../../client/node/index.ts';
import { makeCertificate } from '../support/fixtures/certificate.ts';
import { listen } from '../support/network/listen.ts';
import { startDohServer } from '../support/servers/doh-server.ts';
import { RELAY_NAME } from './certificate.ts';
import { converse } from './conversation.ts';
import { filterNames, freezeAfter } from './faults.ts';
import type { Check } from './lab.ts';
import { startMiddlebox } from './middlebox.ts';
import { startSilence } from './silence.ts';
import { puenteTo } from './ways.ts';

const FORGED = '127.0.0.3';
const DEADLINE = 240_000;

export const allAtOnce: Check = {
  name: 'DNS forged, name filtered, frozen after 16 KB',
  async run({ relay, certificate, chat }) {
    const resolver = await makeCertificate();
    tls.setDefaultCACertificates([...tls.getCACertificates(), resolver.cert]);
    const silence = await startSilence(chat.port);
    const way = await puenteTo(silence.port, relay, certificate);
    const faults = [filterNames([RELAY_NAME], 'rst', 'stream'), freezeAfter({ bytes: 16_000 })];
    const middlebox = await startMiddlebox(way.port, faults);
    const doh = await startDohServer(resolver, { [RELAY_NAME]: ['127.0.0.1'] });
    const impostor = await listen(https.createServer(await makeCertificate()), middlebox.port, FORGED);
    const dial = dialer({
      lookup: (_name, _options, done) => done(null, [{ address: FORGED, family: 4 }]),
      doh: [doh.url],
    });
    const errors = new Set<string>();
    const open = () => {
      const socket = createConnection(`127.0.0.1:${silence.port}`, {
        relay: way.link(`https://${RELAY_NAME}:${middlebox.port}/`),
        allowHalfOpen: true,
        dial,
      });
      return silence
        .hear(socket)
        .on('error', ({ code, message }: NodeJS.ErrnoException) => errors.add(code ?? message));
    };
    try {
      const delivery = await converse(open, { ca: chat.ca, deadline: DEADLINE });
      const passed = delivery.lost === 0 && delivery.duplicated === 0;
      const row = {
        ...{ scenario: allAtOnce.name, relay: 'puente' as const, passed, ...delivery },
        recoverMs: Math.round(silence.longest),
        carriers: middlebox.accepted,
        note: [...errors].join(', '),
      };
      return { row, asExpected: passed };
    } finally {
      for (const { close } of [impostor, doh, middlebox, way, silence]) await close();
    }
  },
};
